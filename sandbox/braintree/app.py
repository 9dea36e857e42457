"""The application: the gateway under /merchants, the control API under /_sandbox, a page for people at /."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Mount

from sandbox.braintree import control, page, webhooks
from sandbox.braintree.gateway import Gateway
from sandbox.braintree.world import Options, World
from sandbox.stripe.app import SameSiteOnly


def app(data: Path, options: Options | None = None) -> Starlette:
    """A double of Braintree with its state in the folder `data`. Raises StoreUnusable."""
    world = World(data, options or Options())

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        sending = asyncio.create_task(webhooks.work(world))
        try:
            yield
        finally:
            sending.cancel()
            with suppress(asyncio.CancelledError):
                await sending
            world.close()

    return Starlette(
        routes=[
            Mount("/merchants", app=Gateway(world)),
            Mount("/_sandbox", routes=control.routes(world)),
            *page.routes(world),
        ],
        middleware=[Middleware(SameSiteOnly)],
        lifespan=lifespan,
    )
