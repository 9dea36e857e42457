"""Lanes that nobody waits for leave room while somebody waits: they rest between batches, by how long one took.

What they share with the lane of commands is PostgreSQL, Kafka and maybe the cores of a machine. While nobody
waits they work as fast as they can (docs/decisions/0026-lanes-that-give-way.md).
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Final

from redis.asyncio import Redis

from state.redis.replies import Waited

LONGEST: Final = 0.25
"""Seconds of one rest at most: a batch may have taken so long because it waited for a store."""


class Resting:
    """The rests of one worker. `share` is the seconds of rest for a second of work; 0 for a lane that never rests."""

    def __init__(self, redis: Redis, share: float) -> None:
        self._waited, self._share = Waited(redis), share
        self._owed = 0.0

    @contextmanager
    def working(self) -> Iterator[None]:
        """Around a batch."""
        began = monotonic()
        yield
        self._owed = min(LONGEST, self._share * (monotonic() - began))

    async def rest(self) -> None:
        """After a batch: rest if somebody was waiting for an answer just now."""
        owed, self._owed = self._owed, 0.0
        if owed and await self._waited.lately():
            await asyncio.sleep(owed)
