"""Cursors, sampled while everything breaks: they may never go back."""

import asyncio
from contextlib import suppress
from typing import Final

from state.postgres.connection import STORE_DOWN, Connection, connect
from tests.drills.complaint import Complaint

EVERY: Final = 0.05
Place = tuple[str, str, int]
"""Group, topic and partition."""


class CursorWatch:
    """Looks at every cursor many times a second. An async context manager."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._task: asyncio.Task[None] | None = None
        self.last: dict[Place, int] = {}
        self.samples = 0
        self.complaints: list[Complaint] = []

    async def __aenter__(self) -> "CursorWatch":
        self._task = asyncio.create_task(self._watch())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._task:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    def see(self, found: dict[Place, int]) -> None:
        """Compare with what was seen before."""
        self.samples += 1
        for place, offset in found.items():
            before = self.last.get(place, 0)
            if offset < before:
                difference = f"it stood at {before}, then at {offset}"
                self.complaints.append(
                    Complaint("cursors never go back", "/".join(map(str, place)), difference)
                )
        self.last.update(found)

    async def _watch(self) -> None:
        while True:
            with suppress(*STORE_DOWN):
                connection = await connect(self._dsn, name="drill-watch")
                try:
                    await self._sample(connection)
                finally:
                    connection.terminate()
            await asyncio.sleep(EVERY)

    async def _sample(self, connection: Connection) -> None:
        while True:
            rows = await connection.fetch("SELECT consumer_group, topic, partition, next_offset FROM cursors")
            self.see({(r["consumer_group"], r["topic"], r["partition"]): r["next_offset"] for r in rows})
            await asyncio.sleep(EVERY)
