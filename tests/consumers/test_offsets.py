"""Offsets told to Kafka: a hint that may take long, fail or come to nothing without harm."""

import asyncio
import gc
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError, NotCoordinatorForGroupError

from consumers import offsets
from consumers.offsets import Offsets

pytestmark = pytest.mark.asyncio

HERE = {TopicPartition("topic", 0): 7}


class Consumer:
    """A consumer whose commits end when they are told to."""

    def __init__(self) -> None:
        self.asked: list[dict[TopicPartition, int]] = []
        self.answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def commit(self, given: dict[TopicPartition, int]) -> None:
        """As aiokafka does it: a request that outlives its caller's patience."""
        self.asked.append(given)
        await asyncio.shield(self.answer)


async def commit(found: Offsets, consumer: Any) -> bool:
    return await found.commit(consumer, HERE)


async def test_an_acknowledged_commit_is_taken() -> None:
    consumer = Consumer()
    consumer.answer.set_result(None)
    assert await commit(Offsets(), consumer)
    assert consumer.asked == [HERE]


async def test_a_refused_commit_is_not_taken_and_not_raised() -> None:
    consumer = Consumer()
    consumer.answer.set_exception(KafkaError())
    assert not await commit(Offsets(), consumer)


async def test_without_partitions_nothing_is_asked() -> None:
    consumer = Consumer()
    assert await Offsets().commit(consumer, {})
    assert consumer.asked == []


async def test_while_one_commit_is_under_way_no_other_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(offsets, "COMMIT_SECONDS", 0.01)
    consumer, found = Consumer(), Offsets()
    assert not await commit(found, consumer)
    assert not await commit(found, consumer)
    assert len(consumer.asked) == 1
    consumer.answer.set_result(None)
    await asyncio.sleep(0.01)
    assert await commit(found, consumer)


async def test_the_next_commit_may_begin_before_the_caller_of_the_last_one_is_told() -> None:
    found = Offsets()
    following: list[asyncio.Task[bool]] = []
    slow = Consumer()

    class Quick:
        async def commit(self, given: dict[TopicPartition, int]) -> None:
            following.append(asyncio.create_task(commit(found, slow)))

    assert await commit(found, Quick())
    assert slow.asked == [HERE]
    slow.answer.set_result(None)
    assert await asyncio.gather(*following) == [True]


async def test_a_commit_that_fails_when_nobody_waits_any_more_is_no_error_of_the_process(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(offsets, "COMMIT_SECONDS", 0.01)
    reported: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: reported.append(context))
    try:
        consumer, found = Consumer(), Offsets()
        assert not await commit(found, consumer)
        consumer.answer.set_exception(NotCoordinatorForGroupError())
        await asyncio.sleep(0.01)
        del consumer, found
        gc.collect()
        await asyncio.sleep(0)
    finally:
        asyncio.get_running_loop().set_exception_handler(None)
    assert reported == []
