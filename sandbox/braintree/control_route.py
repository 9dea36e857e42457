"""How the control API answers: JSON, and a sentence for whoever asked for something that can't be."""

import json
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.braintree import errors
from sandbox.braintree.world import World

Handler: TypeAlias = Callable[[World, Request, dict[str, Any]], Awaitable[Any]]


def route(world: World, path: str, method: str, handler: Handler) -> Route:
    """One route below /_sandbox."""

    async def endpoint(request: Request) -> Response:
        try:
            return JSONResponse(await handler(world, request, await _given(request)))
        except errors.Refusal as refusal:
            return JSONResponse({"error": "there is no such thing"}, refusal.status)
        except (ValueError, TypeError, errors.Invalid) as error:
            return JSONResponse({"error": str(error)}, 400)

    return Route(path, endpoint, methods=[method])


async def _given(request: Request) -> dict[str, Any]:
    given = json.loads(await request.body() or b"{}")
    if not isinstance(given, dict):
        raise TypeError("send a JSON object")
    return given
