"""After the commit: who waits is woken at once, the filter hears of the ids a moment later, many together.

Either may fail or be lost with the process: a caller then finds the outcome in the journal, and so does
a repeated command.
"""

import asyncio
from collections import defaultdict
from collections.abc import Coroutine
from typing import Any, Final

from redis.asyncio import Redis

from consumers.batch import Result
from observability.crash import crash_point
from state.redis import operations
from state.redis.dedup import CommandKey, Dedup
from state.redis.replies import announce

MARK_AFTER: Final = 0.02
"""Seconds in which marks gather."""


class Telling:
    """What one process tells through Redis."""

    def __init__(self, redis: Redis, dedup: Dedup) -> None:
        self._redis, self._dedup = redis, dedup
        self._unmarked: defaultdict[str, list[CommandKey]] = defaultdict(list)
        self._under_way: set[asyncio.Task[None]] = set()
        self._marking = False

    def tell(self, result: Result) -> None:
        """Begin to tell of a committed batch; returns at once."""
        if result.outcomes:
            self._begin(announce(self._redis, result.outcomes))
        if result.given_up:
            self._begin(operations.note_given_up(self._redis, result.given_up))
        self._unmarked[result.history].extend(result.committed)
        if not self._marking:
            self._marking = True
            self._begin(self._mark())

    async def told(self) -> None:
        """Wait for what is under way."""
        await asyncio.gather(*self._under_way)

    async def _mark(self) -> None:
        await asyncio.sleep(MARK_AFTER)
        self._marking = False
        unmarked, self._unmarked = self._unmarked, defaultdict(list)
        for history, commands in unmarked.items():
            await self._dedup.mark(history, commands)
        crash_point("loop.told")

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
