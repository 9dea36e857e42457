"""What a halted lane hears of its topic: asked now and then, and never waited for long."""

import asyncio
from collections.abc import Collection
from typing import cast

import pytest
from aiokafka.errors import KafkaConnectionError

from consumers import halted_ends
from consumers.halted_ends import HaltedEnds
from consumers.log import Log


class Told:
    """A log whose client has not fetched since it stood at 10."""

    def __init__(self) -> None:
        self.written, self.asked = 10, 0
        self.away: Exception | None = None
        self.silent = False

    async def bounds(self, partitions: Collection[int]) -> dict[int, tuple[int, int]]:
        self.asked += 1
        if self.away:
            raise self.away
        if self.silent:
            await asyncio.Event().wait()
        return dict.fromkeys(partitions, (0, self.written))

    def end(self, partition: int) -> int | None:
        return 10 if partition == 0 else None


@pytest.mark.asyncio
async def test_the_end_is_as_kafka_said_last_also_while_it_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    log = Told()
    ends = HaltedEnds(cast("Log", log))
    assert (ends.end(0), ends.end(1)) == (10, None)
    log.written = 12
    for _ in range(3):
        await ends.look([0])
    assert (ends.end(0), ends.end(1), log.asked) == (12, None, 1), "not asked again at once"
    monkeypatch.setattr(halted_ends, "EVERY", 0.0)
    monkeypatch.setattr(halted_ends, "ASK_SECONDS", 0.05)
    log.away = KafkaConnectionError()
    await ends.look([0])
    log.away, log.silent = None, True
    async with asyncio.timeout(5):
        await ends.look([0])
    assert (ends.end(0), log.asked) == (12, 3)
    log.silent, log.written = False, 15
    await ends.look([0])
    assert ends.end(0) == 15
