"""The application: siteverify, the control API under /_sandbox, a page for people at /."""

import asyncio
from typing import Any
from urllib.parse import parse_qsl

import orjson
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route

from sandbox.stripe.app import SameSiteOnly
from sandbox.turnstile import page
from sandbox.turnstile.verdicts import World

REMEMBERED = 200
_FIELDS = ("hostname", "action", "cdata")


def app() -> Starlette:
    """A double of Turnstile; `app.state.world` is its state."""
    world = World()

    async def siteverify(request: Request) -> Response:
        if world.silent_seconds:
            await asyncio.sleep(world.silent_seconds)
        if world.failing:
            world.failing -= 1
            return JSONResponse({"success": False, "error-codes": ["internal-error"]}, 500)
        given = await _fields(request)
        if given is None:
            return JSONResponse({"success": False, "error-codes": ["bad-request"]}, 400)
        verdict = world.verify(given)
        world.asked = [*world.asked[1 - REMEMBERED :], {"response": given.get("response"), **verdict}]
        return JSONResponse(verdict)

    application = Starlette(
        routes=[
            Route("/turnstile/v0/siteverify", siteverify, methods=["POST"]),
            Mount("/_sandbox", routes=_control(world)),
            *page.routes(world),
        ],
        middleware=[Middleware(SameSiteOnly)],
    )
    application.state.world = world
    return application


def _control(world: World) -> list[Route]:
    async def ready(request: Request) -> Response:
        return JSONResponse({"ready": True})

    async def make(request: Request) -> Response:
        given = await _fields(request) or {}
        token = world.make(**{name: str(given[name]) for name in _FIELDS if name in given})
        return JSONResponse({"token": token.text})

    async def settings(request: Request) -> Response:
        given = await _fields(request) or {}
        world.offset = float(given.get("clock_offset", world.offset))
        world.failing = int(given.get("failing", world.failing))
        world.silent_seconds = float(given.get("silent_seconds", world.silent_seconds))
        return JSONResponse(
            {"clock_offset": world.offset, "failing": world.failing, "silent_seconds": world.silent_seconds}
        )

    async def asked(request: Request) -> Response:
        return JSONResponse({"verifications": world.asked[::-1]})

    return [
        Route("/ready", ready),
        Route("/tokens", make, methods=["POST"]),
        Route("/settings", settings, methods=["PATCH"]),
        Route("/verifications", asked),
    ]


async def _fields(request: Request) -> dict[str, Any] | None:
    """The fields of a form or a JSON object; None when it is neither."""
    body = await request.body()
    if request.headers.get("content-type", "").startswith("application/json"):
        try:
            given = orjson.loads(body or b"{}")
        except orjson.JSONDecodeError:
            return None
        return given if isinstance(given, dict) else None
    return dict(parse_qsl(body.decode(errors="replace")))
