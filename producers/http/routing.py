"""What the router of every surface does alike: name the route, and answer what no route takes."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, Route
from starlette.types import Scope

from producers.http.envelope import refusal
from producers.http.errors import ApiError
from topics.codes import Code


class NamedRoute(Route):
    """A plain route that says which it is, for the metrics.

    Endpoints read and check their requests themselves, so FastAPI's own machinery for parameters and
    bodies, a third of the work of a request, is left to the document.
    """

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """As any route, noting itself in the scope."""
        match, found = super().matches(scope)
        return match, {**found, "route": self} if match is not Match.NONE else found


async def refused(_request: Request, error: Exception) -> Response:
    """What an endpoint refused, in the envelope."""
    if not isinstance(error, ApiError):
        raise error
    return refusal(error)


async def unroutable(request: Request, error: Exception) -> Response:
    """What the router itself answers: no such path, or not with this method."""
    status = getattr(error, "status_code", 404)
    if status == 405:
        allowed = ", ".join(_methods(request))
        message = f"This path takes {allowed}, not {request.method[:20]}."
        return refusal(ApiError(Code.METHOD_NOT_ALLOWED, message, headers={"Allow": allowed}))
    if status == 404:
        return refusal(ApiError(Code.NOT_FOUND, "There is nothing at this path."))
    return refusal(ApiError(Code.INVALID, "The request can't be understood."))


def _methods(request: Request) -> list[str]:
    """All methods of the path; the router knows only those of the first route that fits."""
    found: set[str] = set()
    for route in request.app.routes:
        if route.path_regex.match(request.scope["path"]):
            found |= route.methods or set()
    return sorted(found)
