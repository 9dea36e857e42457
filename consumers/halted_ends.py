"""What is written of a topic that a lane reads no more: a client that fetches nothing hears of nothing."""

import asyncio
import time
from collections.abc import Collection
from typing import Final

from aiokafka.errors import KafkaError

from consumers.log import Log

EVERY: Final = 2.0
"""Seconds between two questions."""
ASK_SECONDS: Final = 2.0
"""For Kafka to answer; without, it is as of the answer before."""


class HaltedEnds:
    """Asks now and then, and remembers. Before the first answer it is as of the last fetch."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._asked_at = float("-inf")
        self._ends: dict[int, int] = {}

    async def look(self, partitions: Collection[int]) -> None:
        """Ask about these, if it is time."""
        if time.monotonic() - self._asked_at < EVERY or not partitions:
            return
        try:
            async with asyncio.timeout(ASK_SECONDS):
                found = await self._log.bounds(partitions)
        except (KafkaError, TimeoutError):
            return
        finally:
            self._asked_at = time.monotonic()
        self._ends = {partition: end for partition, (_, end) in found.items()}

    def end(self, partition: int) -> int | None:
        """The next offset to be written, as far as anybody said."""
        told = [end for end in (self._log.end(partition), self._ends.get(partition)) if end is not None]
        return max(told, default=None)
