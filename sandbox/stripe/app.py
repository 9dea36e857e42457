"""The application: the API under /v1, the control API under /_sandbox, a page for people at /."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import orjson
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from sandbox.stripe import (
    authentication,
    control,
    deliveries_page,
    objects_page,
    page,
    payment_control,
    webhook_control,
)
from sandbox.stripe.background import working
from sandbox.stripe.errors import unrecognized_url
from sandbox.stripe.gateway import Gateway
from sandbox.stripe.ids import new_id
from sandbox.stripe.world import Options, World


def app(data: Path, options: Options | None = None) -> Starlette:
    """A double of Stripe with its state in the folder `data`. Raises StoreUnusable.

    It can be mounted in another application; the mount point is then the base address of the `stripe` client.
    `app.state.world` is its state: whoever mounts it closes that (`world.close()`), on its own it does so at
    the end. Deliveries and what time brings need `background.working(world)`, which it runs on its own.
    """
    world = World(data, options or Options())

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with working(world):
            yield
        world.close()

    application = Starlette(
        routes=[
            Mount("/v1", app=Gateway(world)),
            Mount("/_sandbox", routes=_control(world)),
            page.route(world),
            objects_page.route(world),
            deliveries_page.route(world),
            *authentication.routes(world),
        ],
        middleware=[Middleware(SameSiteOnly)],
        exception_handlers={404: _unrecognized, 405: _unrecognized},
        lifespan=lifespan,
    )
    application.router.redirect_slashes = False
    application.state.world = world
    return application


def _control(world: World) -> list[Route]:
    tested = [*control.routes(world), *webhook_control.routes(world), *payment_control.routes(world)]
    return [*tested, *page.actions(world), *objects_page.actions(world), *deliveries_page.actions(world)]


class SameSiteOnly:
    """Keeps web pages of others from changing the double through a visitor's browser."""

    def __init__(self, inner: ASGIApp) -> None:
        self._inner = inner

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuses what a browser says comes from another site; clients that are no browser say nothing."""
        changes = scope["type"] == "http" and scope["method"] != "GET"
        if changes and (b"sec-fetch-site", b"cross-site") in scope["headers"]:
            await Response("not from another site\n", 403)(scope, receive, send)
        else:
            await self._inner(scope, receive, send)


async def _unrecognized(request: Request, _: Exception) -> Response:
    assert isinstance(_, HTTPException)
    error = unrecognized_url(request.method, request.url.path)
    body = orjson.dumps(error.body(new_id("req"), 0))
    return Response(body, 404, media_type="application/json")
