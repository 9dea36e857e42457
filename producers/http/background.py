"""What a surface does beside its requests: begun again whatever ends it, since nobody waits for it who would notice."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Final

import structlog

log = structlog.get_logger()

_CANCEL_AGAIN: Final = 1.0
"""Seconds after which a task that is told to end is told once more."""
_AGAIN_AFTER: Final = 0.5


@asynccontextmanager
async def kept_up(work: Callable[[], Awaitable[None]], *, surface: str) -> AsyncIterator[None]:
    """The work goes on as long as the block does."""
    task = asyncio.create_task(_again_and_again(work, surface))
    try:
        yield
    finally:
        await _end(task)


async def _again_and_again(work: Callable[[], Awaitable[None]], surface: str) -> None:
    """A client may raise a cancellation of its own, which is a failure like any other."""
    while not _to_be_cancelled():
        ended: BaseException | None = None
        try:
            await work()
        except asyncio.CancelledError as inner:
            if _to_be_cancelled():
                raise
            ended = inner
        except Exception as error:
            ended = error
        log.error("background_failed", surface=surface, work=work.__name__, exc_info=ended)
        await asyncio.sleep(_AGAIN_AFTER)


def _to_be_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


async def _end(task: "asyncio.Task[None]") -> None:
    """Cancel until it has ended: a client may lose one cancellation, and a process must not hang on that."""
    while not task.done():
        task.cancel()
        await asyncio.wait([task], timeout=_CANCEL_AGAIN)
    with suppress(asyncio.CancelledError):
        await task
