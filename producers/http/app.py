"""A surface as an ASGI application: its endpoints, the plumbing around them, and its document."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, Route
from starlette.types import Scope

from producers.http import health
from producers.http.around import Around
from producers.http.documents import document
from producers.http.endpoints import Endpoint, served
from producers.http.envelope import refusal
from producers.http.errors import ApiError
from producers.http.surface import Kind, Settings, opened
from topics.codes import Code


def build(kind: Kind, endpoints: Iterable[Endpoint], settings: Settings) -> FastAPI:
    """The application. Nothing is opened before its lifespan begins; `openapi()` needs no lifespan."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with opened(kind, settings) as surface:
            app.state.surface = surface
            yield

    app = _Application(
        kind,
        tuple(endpoints),
        title=kind.title,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
        exception_handlers={ApiError: _refused, HTTPException: _unroutable},
    )
    app.add_middleware(Around, surface=kind.name)
    for path, call in (("/livez", health.livez), ("/readyz", health.readyz), ("/metrics", health.metrics)):
        app.router.routes.append(_NamedRoute(path, call, methods=["GET"]))
    for endpoint in app.endpoints:
        path = kind.base + endpoint.path
        app.router.routes.append(_NamedRoute(path, served(endpoint), methods=[endpoint.method]))
    return app


class _Application(FastAPI):
    def __init__(self, kind: Kind, endpoints: tuple[Endpoint, ...], **options: Any) -> None:
        super().__init__(**options)
        self.kind, self.endpoints = kind, endpoints

    def openapi(self) -> dict[str, Any]:
        """The document of the endpoints, made when it is first asked for."""
        if self.openapi_schema is None:
            self.openapi_schema = document(self.kind, self.endpoints)
        return self.openapi_schema


class _NamedRoute(Route):
    """A plain route that says which it is, for the metrics.

    Endpoints read and check their requests themselves, so FastAPI's own machinery for parameters and
    bodies, a third of the work of a request, is left to the document.
    """

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """As any route, noting itself in the scope."""
        match, found = super().matches(scope)
        return match, {**found, "route": self} if match is not Match.NONE else found


async def _refused(_request: Request, error: Exception) -> Response:
    if not isinstance(error, ApiError):
        raise error
    return refusal(error)


async def _unroutable(request: Request, error: Exception) -> Response:
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
