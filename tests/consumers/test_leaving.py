"""A worker that stops while its group deals out partitions anew."""

import asyncio
from collections.abc import Collection
from contextlib import suppress

import pytest

from consumers import log
from consumers.log import KafkaLog
from tests.consumers.lanes import LaneUnderTest

pytestmark = [pytest.mark.asyncio, pytest.mark.stack]


class Holder:
    """An owner that lets go of its partitions when it is `free` to."""

    def __init__(self) -> None:
        self.free, self.asked = asyncio.Event(), asyncio.Event()
        self.free.set()

    async def assigned(self, partitions: Collection[int]) -> None:
        """Nothing is read."""

    async def revoked(self, partitions: Collection[int]) -> None:
        self.asked.set()
        await self.free.wait()


async def test_who_leaves_waits_for_no_other_that_is_slow_to_hand_over(
    commands: LaneUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log, "LEAVE_SECONDS", 0.5)
    members = [KafkaLog(commands.lane, commands.stack.kafka_bootstrap, name) for name in ("a", "b", "c")]
    (slow, leaving, joining), owners = members, [Holder(), Holder(), Holder()]
    await slow.start(owners[0])
    await leaving.start(owners[1])
    for owner in owners:
        owner.asked.clear()
    owners[0].free.clear()
    joined = asyncio.create_task(joining.start(owners[2]))
    async with asyncio.timeout(30):
        await asyncio.gather(owners[0].asked.wait(), owners[1].asked.wait())
    stopped = asyncio.create_task(leaving.stop())
    try:
        done, _ = await asyncio.wait({stopped}, timeout=10)
        assert stopped in done, "it waits for the one that does not let go"
    finally:
        owners[0].free.set()
        await asyncio.gather(stopped, joined)
        with suppress(TimeoutError):
            await asyncio.gather(slow.stop(), joining.stop())
