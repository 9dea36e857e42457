"""What the double does of itself: deliveries that are due, and what time alone changes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from sandbox.stripe import due
from sandbox.stripe.world import World

LONGEST_WAIT = 60.0


@asynccontextmanager
async def working(world: World) -> AsyncIterator[None]:
    """Works in the background of the running loop until left."""
    task = asyncio.create_task(_work(world))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await world.deliverer.stop()


async def _work(world: World) -> None:
    """Looks again whenever something was written or a delivery ended, or when the next thing is due."""
    while True:
        world.stirred.clear()
        due.run(world.store, world.clock.now())
        moments = [world.deliverer.start_due(), due.next_(world.store)]
        with suppress(TimeoutError):
            await asyncio.wait_for(world.stirred.wait(), _seconds(world, moments))


def _seconds(world: World, moments: list[float | None]) -> float:
    """How long to sleep, at most; a frozen clock wakes nobody."""
    coming = [moment - world.clock.now() for moment in moments if moment is not None]
    if world.clock.frozen is not None:
        return LONGEST_WAIT
    return min([LONGEST_WAIT, *(max(wait, 0.001) for wait in coming)])
