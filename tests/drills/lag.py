"""How far the lanes are behind, sampled while everything breaks."""

import asyncio
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Final

from aiokafka.errors import KafkaError

from state.postgres.connection import STORE_DOWN, connect
from tests.drills.evidence import KafkaReader
from topics.table import COMMANDS, LANES

EVERY: Final = 0.5
PATIENCE: Final = 180.0
CAUGHT_UP: Final = 2000
"""Commands behind that count as caught up while a thousand records come every second. The other lanes give way to them
and take their time (docs/decisions/0026-lanes-that-give-way.md)."""


Places = Mapping[tuple[str, int], int]
"""An offset for each topic and partition."""


class Lag:
    """The lag, over all lanes and of commands, and what was applied. An async context manager."""

    def __init__(self, dsn: str, bootstrap: str) -> None:
        self._dsn, self._bootstrap = dsn, bootstrap
        self._task: asyncio.Task[None] | None = None
        self.behind = self.commands_behind = self.most = self.applied = 0
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
        """The seconds until commands have caught up; None when they have not after a long while."""
        began = time.monotonic()
        while time.monotonic() - began < PATIENCE:
            if self.seen_at > began and self.commands_behind <= CAUGHT_UP:
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
                    rows = await connection.fetch("SELECT topic, partition, next_offset FROM cursors")
                    cursors = {(row["topic"], row["partition"]): row["next_offset"] for row in rows}
                    self._note(ends, cursors)
                    self.most = max(self.most, self.behind)
                    self.seen_at = time.monotonic()
                    await asyncio.sleep(EVERY)
        finally:
            connection.terminate()

    def _note(self, ends: Places, cursors: Places) -> None:
        behind = {place: end - cursors.get(place, 0) for place, end in ends.items()}
        self.applied, self.behind = sum(cursors.values()), sum(behind.values())
        self.commands_behind = sum(n for (topic, _), n in behind.items() if topic == COMMANDS.name)
