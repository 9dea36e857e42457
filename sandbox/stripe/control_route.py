"""A route of the control API: JSON in, JSON out, a wrong request answered by a sentence."""

import json
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.stripe.world import World

Handler: TypeAlias = Callable[[World, Request], Awaitable[Any]]
MOST = 10_000


def route(world: World, path: str, method: str, handler: Handler) -> Route:
    """A route below /_sandbox. ValueError and TypeError are 400, LookupError is 404."""

    async def endpoint(request: Request) -> Response:
        try:
            answer, status = await handler(world, request), 200
        except (ValueError, TypeError) as error:
            answer, status = {"error": str(error)}, 400
        except LookupError as error:
            answer, status = {"error": str(error.args[0])}, 404
        return Response(orjson.dumps(answer), status, media_type="application/json")

    return Route(path, endpoint, methods=[method])


async def given(request: Request) -> dict[str, Any]:
    """The JSON object that was sent. Raises TypeError, ValueError."""
    sent = json.loads(await request.body() or b"{}")
    if not isinstance(sent, dict):
        raise TypeError("send a JSON object")
    return sent


def number(value: Any) -> float:
    """A number, no text and no truth. Raises TypeError."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"not a number: {value!r}")
    return float(value)


def limit(text: str) -> int:
    """How many are wanted, brought inside 1..10,000."""
    return min(max(int(text), 1), MOST)
