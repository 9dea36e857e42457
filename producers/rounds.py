"""Going round and round until stopped: what producers by the clock do between two looks at the stores."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta

import structlog

from producers.publisher import NotPublishedError
from state.postgres.connection import RETRY_NOW, STORE_DOWN

log = structlog.get_logger()


async def go_round(
    once: Callable[[], Awaitable[timedelta]], stopping: asyncio.Event, *, name: str, retry: timedelta
) -> None:
    """Call `once` until `stopping`, with the pause that it asks for; a store that is away is tried after `retry`."""
    while not stopping.is_set():
        try:
            pause = await once()
        except (*STORE_DOWN, *RETRY_NOW, NotPublishedError) as down:
            log.warning("round_postponed", member=name, error=type(down).__name__)
            pause = retry
        with suppress(TimeoutError):
            async with asyncio.timeout(pause.total_seconds()):
                await stopping.wait()
