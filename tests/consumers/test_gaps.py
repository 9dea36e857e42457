"""Gaps that records begin behind: all of one poll are asked about at once, and none holds up what has none."""

import asyncio
from collections.abc import Collection
from typing import Any

import pytest
from redis.asyncio import Redis

from consumers.lane import LANES
from consumers.loop import Loop, LoopSettings
from consumers.positions import Position
from topics.message import Record

pytestmark = [pytest.mark.asyncio]


class Asked:
    """Says what it holds after a moment, and remembers what it was asked and where it was sent back."""

    def __init__(self) -> None:
        self.asked: list[set[int]] = []
        self.sought: list[tuple[int, int]] = []
        self.answer = asyncio.Event()

    async def bounds(self, partitions: Collection[int]) -> dict[int, tuple[int, int]]:
        """Everything from the first record on."""
        self.asked.append(set(partitions))
        await self.answer.wait()
        return dict.fromkeys(partitions, (0, 100))

    def seek(self, partition: int, offset: int) -> None:
        """Read on there."""
        self.sought.append((partition, offset))

    def resume(self, _partitions: Collection[int]) -> None:
        """Nothing was paused."""


def loop_on(log: Any) -> Loop:
    """A loop that reads three partitions from their beginning on."""
    redis = Redis()
    loop = Loop(LANES["facts"], log, dsn="", redis=redis, settings=LoopSettings(workers=1))
    loop._positions = {partition: Position(partition, 0) for partition in range(3)}
    return loop


def record(partition: int, offset: int) -> Record:
    """Any."""
    return Record("topic", partition, offset, 0, b"key", b"{}", ())


async def test_gaps_of_one_poll_are_asked_about_at_once() -> None:
    log = Asked()
    loop = loop_on(log)
    polled = [record(0, 4), record(1, 0), record(2, 7)]
    accepting = asyncio.create_task(loop._accept(polled, dict(loop._positions)))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert [position.following for position in loop._positions.values()] == [0, 1, 0]
    log.answer.set()
    await accepting
    assert log.asked == [{0, 2}]
    assert [position.following for position in loop._positions.values()] == [5, 1, 8]


async def test_what_is_opened_anew_meanwhile_takes_nothing() -> None:
    log = Asked()
    loop = loop_on(log)
    accepting = asyncio.create_task(loop._accept([record(0, 4), record(2, 7)], dict(loop._positions)))
    await asyncio.sleep(0)
    loop._open(0, 2)
    log.answer.set()
    await accepting
    assert [position.following for position in loop._positions.values()] == [2, 0, 8]
    assert log.sought == [(0, 2)]
