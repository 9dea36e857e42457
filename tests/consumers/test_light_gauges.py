"""What a light consumer tells of itself: how far it is behind, at rest and while it hangs, and what it has."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest
from prometheus_client import REGISTRY

from consumers.light import LightConsumer, Work
from consumers.light_gauges import ASK_SECONDS
from tests.consumers.lanes import LaneUnderTest, until
from tests.consumers.test_light_reading import light, publish
from topics.message import Record

pytestmark = [pytest.mark.asyncio, pytest.mark.stack]


@asynccontextmanager
async def working(lane: LaneUnderTest, work: Work) -> AsyncIterator[LightConsumer]:
    """A light consumer of the lane's topic at work."""
    consumer = light(lane, work)
    await consumer.broker.start()
    try:
        yield consumer
    finally:
        await consumer.broker.stop()


class Hands:
    """Work that takes as long as the test wants."""

    def __init__(self) -> None:
        self.busy, self.free = asyncio.Event(), asyncio.Event()

    async def work(self, _records: Sequence[Record]) -> None:
        self.busy.set()
        await self.free.wait()


async def nothing(_records: Sequence[Record]) -> None:
    """Work that is done at once."""


def lag(lane: LaneUnderTest, unit: str) -> list[float | None]:
    """The lag of each partition."""
    labels = {"group": lane.lane.group, "topic": lane.lane.topic.name}
    return [
        REGISTRY.get_sample_value(f"billing_consumer_lag_{unit}", {**labels, "partition": str(partition)})
        for partition in range(lane.lane.topic.partitions)
    ]


def rebalances(event: str) -> float:
    """How often partitions came or went, of all light consumers of tests."""
    return REGISTRY.get_sample_value("billing_rebalances_total", {"lane": "test", "event": event}) or 0.0


async def shows(consumer: LightConsumer, lane: LaneUnderTest, messages: list[float | None]) -> bool:
    """Whether the lag is this, by a fresh report."""
    await consumer.report()
    return lag(lane, "messages") == messages


async def test_at_rest_every_partition_has_a_lag_of_nothing(facts: LaneUnderTest) -> None:
    await publish(facts, 1, b"old")
    for _ in range(2):
        # The second one finds its offsets committed, and reads nothing at all.
        async with working(facts, nothing) as consumer:
            await until(lambda: shows(consumer, facts, [0, 0, 0]))
            assert lag(facts, "seconds") == [0, 0, 0]
            assert REGISTRY.get_sample_value("billing_assigned_partitions", {"lane": "test"}) == 3


async def test_while_a_batch_is_stuck_the_lag_grows_on_all_partitions_and_then_is_gone(
    facts: LaneUnderTest,
) -> None:
    hands = Hands()
    async with working(facts, hands.work) as consumer:
        await until(lambda: shows(consumer, facts, [0, 0, 0]))
        await publish(facts, 0, b"stuck")
        await hands.busy.wait()
        polled = consumer.polled_at
        await publish(facts, 0, b"behind it", b"and behind that")
        await publish(facts, 1, b"of another partition")
        await until(lambda: shows(consumer, facts, [3, 1, 0]))
        first, other, idle = lag(facts, "seconds")
        await asyncio.sleep(1.5)
        assert await shows(consumer, facts, [3, 1, 0])
        assert idle == lag(facts, "seconds")[2] == 0
        for before, after in zip((first, other), lag(facts, "seconds"), strict=False):
            assert before is not None
            assert after is not None
            assert before + 1.5 <= after < before + 10
        assert consumer.polled_at == polled
        hands.free.set()
        await until(lambda: shows(consumer, facts, [0, 0, 0]))
        assert lag(facts, "seconds") == [0, 0, 0]
        assert consumer.polled_at > polled


async def test_what_was_never_read_is_behind_too(facts: LaneUnderTest) -> None:
    async with working(facts, nothing) as consumer:
        await until(lambda: shows(consumer, facts, [0, 0, 0]))
        reader = consumer._subscriber.consumer
        assert reader is not None
        reader.pause(*reader.assignment())
        await asyncio.sleep(0.6)
        await publish(facts, 2, b"unread")
        await until(lambda: shows(consumer, facts, [0, 0, 1]))
        before = lag(facts, "seconds")[2]
        await asyncio.sleep(1)
        assert await shows(consumer, facts, [0, 0, 1])
        after = lag(facts, "seconds")[2]
        assert before is not None
        assert after is not None
        assert after >= before + 1
        reader.resume(*reader.assignment())
        await until(lambda: shows(consumer, facts, [0, 0, 0]))


async def test_one_that_is_stopped_has_no_lag_and_asks_nobody(facts: LaneUnderTest) -> None:
    async with working(facts, nothing) as consumer:
        await until(lambda: shows(consumer, facts, [0, 0, 0]))
    async with asyncio.timeout(ASK_SECONDS / 2):
        assert await shows(consumer, facts, [None, None, None])
    assert REGISTRY.get_sample_value("billing_assigned_partitions", {"lane": "test"}) == 0


async def test_partitions_that_come_and_go_are_counted_and_not_reported_any_more(
    facts: LaneUnderTest,
) -> None:
    assigned, revoked = rebalances("assigned"), rebalances("revoked")
    async with working(facts, nothing) as first:
        await until(lambda: shows(first, facts, [0, 0, 0]))
        assert (rebalances("assigned"), rebalances("revoked")) == (assigned + 1, revoked)
        async with working(facts, nothing):

            async def shared() -> bool:
                await first.report()
                return lag(facts, "messages").count(None) in (1, 2)

            await until(shared)
            assert rebalances("assigned") >= assigned + 3
            assert rebalances("revoked") >= revoked + 1
