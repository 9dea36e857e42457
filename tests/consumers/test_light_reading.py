"""What a light consumer reads: everything, and what it can't read any more is told."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.admin import RecordsToDelete
from aiokafka.consumer import fetcher
from aiokafka.errors import CorruptRecordException, KafkaError
from prometheus_client import REGISTRY

from consumers.light import LightConsumer, Work
from consumers.reached import ReaderBrokenError
from tests.consumers.lanes import LaneUnderTest, until
from tests.consumers.test_lost_records import admin
from topics.message import Record

pytestmark = [pytest.mark.asyncio, pytest.mark.stack]


async def publish(lane: LaneUnderTest, partition: int, *values: bytes) -> None:
    """These records in one partition."""
    for value in values:
        await lane.producer.send_and_wait(lane.lane.topic.name, value, partition=partition)


@asynccontextmanager
async def reading(lane: LaneUnderTest) -> AsyncIterator[list[bytes | None]]:
    """A light consumer of the lane's topic; gives what it reads."""
    read: list[bytes | None] = []

    async def work(records: Sequence[Record]) -> None:
        read.extend(record.value for record in records)

    consumer = light(lane, work)
    await consumer.broker.start()
    try:
        yield read
    finally:
        await consumer.broker.stop()


def light(lane: LaneUnderTest, work: Work) -> LightConsumer:
    """A light consumer of the lane's topic."""
    return LightConsumer(
        work,
        lane="test",
        topics=(lane.lane.topic.name,),
        group=lane.lane.group,
        bootstrap=lane.stack.kafka_bootstrap,
        client_id="test",
        wait_ms=50,
    )


async def has(read: list[bytes | None], number: int) -> bool:
    """Whether so many were read."""
    return len(read) >= number


def lost(lane: LaneUnderTest) -> float | None:
    """How many records the log dropped before they were read."""
    labels = {"group": lane.lane.group, "topic": lane.lane.topic.name}
    return REGISTRY.get_sample_value("billing_records_lost_total", labels)


async def test_records_that_were_deleted_unread_are_counted(facts: LaneUnderTest) -> None:
    await publish(facts, 0, b"0", b"1")
    async with reading(facts) as read:
        await until(lambda: has(read, 2))
        assert not lost(facts)
    await publish(facts, 0, b"2", b"3", b"4")
    async with admin(facts) as kafka:
        await kafka.delete_records({TopicPartition(facts.lane.topic.name, 0): RecordsToDelete(4)})
    async with reading(facts) as read:
        await until(lambda: has(read, 1))
        assert read == [b"4"]
    assert lost(facts) == 2


async def test_a_new_group_begins_at_the_beginning_of_every_partition(facts: LaneUnderTest) -> None:
    await publish(facts, 0, b"0")
    async with reading(facts) as read:
        await until(lambda: has(read, 1))
        await publish(facts, 1, b"1")
        await until(lambda: has(read, 2))
    await publish(facts, 2, b"2")
    async with reading(facts) as more:
        await until(lambda: has(more, 1))
        await asyncio.sleep(0.5)
    assert (read, more) == ([b"0", b"1"], [b"2"])
    assert not lost(facts)


@pytest.mark.parametrize("defect", [CorruptRecordException, LookupError])
async def test_what_was_taken_off_other_partitions_in_a_call_that_fails_is_read_again(
    facts: LaneUnderTest, monkeypatch: pytest.MonkeyPatch, defect: type[Exception]
) -> None:
    for partition in range(3):
        await publish(facts, partition, b"before")
    async with reading(facts) as read:
        await until(lambda: has(read, 3))
    for partition in range(3):
        await publish(facts, partition, b"%d" % partition)
    taken: list[TopicPartition] = []
    getall = fetcher.FetchResult.getall

    def fails_second(result: Any, max_records: int | None = None) -> Any:
        taken.append(result._topic_partition)
        if len(taken) == 2:
            raise defect
        return getall(result, max_records)

    monkeypatch.setattr(fetcher.FetchResult, "getall", fails_second)
    async with reading(facts) as read:
        await until(lambda: has(read, 3))
        await asyncio.sleep(0.5)
    assert sorted(read) == [b"0", b"1", b"2"]  # type: ignore[type-var]
    assert len({taken[0], taken[1]}) == 2


async def test_a_reader_that_broke_is_told_instead_of_its_lag(
    facts: LaneUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreadable(_raw: bytes) -> None:
        raise CorruptRecordException

    async def work(_records: Sequence[Record]) -> None:
        raise AssertionError

    consumer = light(facts, work)
    monkeypatch.setattr(fetcher, "MemoryRecords", unreadable)
    await consumer.broker.start()

    async def told() -> bool:
        try:
            await consumer.report()
        except ReaderBrokenError:
            return True
        return False

    await until(told)
    broken = consumer._subscriber.consumer
    assert broken is not None
    with pytest.raises(ExceptionGroup) as raised:
        await consumer.broker.stop()
    assert raised.group_contains(KafkaError)
    # Where the process ends, a client that broke leaves these open.
    await broken._client.close()
    await consumer.broker.stop()
