"""How far the lanes are behind, sampled while everything breaks."""

import asyncio
import time
from contextlib import suppress
from typing import Final

from aiokafka.errors import KafkaError

from state.postgres.connection import STORE_DOWN, connect
from tests.drills.evidence import KafkaReader
from topics.table import LANES

EVERY: Final = 0.5
PATIENCE: Final = 180.0
CAUGHT_UP: Final = 5000
"""Records behind over all lanes that count as caught up while a thousand more come every second."""


class Lag:
    """The lag over all lanes and what was applied. An async context manager."""

    def __init__(self, dsn: str, bootstrap: str) -> None:
        self._dsn, self._bootstrap = dsn, bootstrap
        self._task: asyncio.Task[None] | None = None
        self.behind = self.most = self.applied = 0
        self.seen_at = 0.0

    async def __aenter__(self) -> "Lag":
        self._task = asyncio.create_task(self._watch())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._task:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def caught_up(self) -> float | None:
        """The seconds until the lanes have caught up; None when they have not after a long while."""
        began = time.monotonic()
        while time.monotonic() - began < PATIENCE:
            if self.seen_at > began and self.behind <= CAUGHT_UP:
                return time.monotonic() - began
            await asyncio.sleep(EVERY / 2)
        return None

    async def _watch(self) -> None:
        while True:
            with suppress(*STORE_DOWN, KafkaError):
                await self._sample()
            await asyncio.sleep(EVERY)

    async def _sample(self) -> None:
        """For as long as both servers answer."""
        connection = await connect(self._dsn, name="drill-lag")
        try:
            async with KafkaReader(self._bootstrap) as kafka:
                while True:
                    ends = await kafka.ends([topic.name for topic in LANES.values()])
                    applied = await connection.fetchval(
                        "SELECT coalesce(sum(next_offset), 0)::bigint FROM cursors"
                    )
                    self.applied, self.behind = applied, sum(ends.values()) - applied
                    self.most = max(self.most, self.behind)
                    self.seen_at = time.monotonic()
                    await asyncio.sleep(EVERY)
        finally:
            connection.terminate()
