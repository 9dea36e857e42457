"""A log that loses what a lane has not applied: the lane halts, and neither passes over it nor goes back."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from uuid import uuid4

import pytest
import pytest_asyncio
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from prometheus_client import REGISTRY
from redis.asyncio import Redis

from consumers.light import LightConsumer
from consumers.loop import Loop
from fleet.kafka_topics import ensure_topics
from producers.trace import new_id
from state.postgres import cursors
from state.postgres.connection import Connection
from state.postgres.cursors import Span
from tests.conftest import Stack
from tests.consumers.lanes import CUSTOMER, LaneUnderTest, account_id, count, lane_under_test, until
from tests.consumers.test_loop import REGISTERED, decided
from topics.codec import encode_body, encode_headers
from topics.message import Envelope, Record

pytestmark = [pytest.mark.asyncio, pytest.mark.stack]


@pytest_asyncio.fixture(loop_scope="session")
async def facts(stack: Stack, redis: Redis) -> AsyncIterator[LaneUnderTest]:
    """The facts lane on one partition."""
    async with lane_under_test("facts", stack, redis, partitions=1) as lane:
        yield lane


@asynccontextmanager
async def admin(lane: LaneUnderTest) -> AsyncIterator[AIOKafkaAdminClient]:
    """Whoever deletes what was not read."""
    started = AIOKafkaAdminClient(bootstrap_servers=lane.stack.kafka_bootstrap)
    await started.start()
    try:
        yield started
    finally:
        await started.close()


async def tell(lane: LaneUnderTest, number: int) -> None:
    """Facts of as many accounts."""
    for _ in range(number):
        await lane.publish(account_id(), REGISTERED)


def halted(loop: Loop) -> Callable[[], Awaitable[bool]]:
    """Whether the lane stands still and says why."""

    async def found() -> bool:
        return loop.halted is not None

    return found


def cursor_is(connection: Connection, lane: LaneUnderTest, offset: int) -> Callable[[], Awaitable[bool]]:
    """Whether the cursor of the one partition stands there."""

    async def found() -> bool:
        return await cursor(connection, lane) == offset

    return found


async def cursor(connection: Connection, lane: LaneUnderTest) -> int | None:
    """Where the one partition stands."""
    return (await cursors.read(connection, lane.lane.group, lane.lane.topic.name, [0])).get(0)


async def test_records_deleted_before_they_were_read_halt_the_lane(
    facts: LaneUnderTest, connection: Connection
) -> None:
    async with facts.running() as loop:
        await tell(facts, 2)
        await until(decided(connection, 2))
        loop._log.pause([0])  # as a process that was stopped: what comes now is not fetched
        await asyncio.sleep(0.5)
        await tell(facts, 3)
        async with admin(facts) as kafka:
            await kafka.delete_records({TopicPartition(facts.lane.topic.name, 0): RecordsToDelete(4)})
        loop._log.resume([0])
        await until(halted(loop))
        assert "the next record is that at 2, the log holds 4 to 5" in str(loop.halted)
        assert f"fleet cursors set {facts.lane.name} 0 4" in str(loop.halted)
        await asyncio.sleep(1.5)
    assert await count(connection, "journal") == 2
    assert await cursor(connection, facts) == 2


async def test_a_log_that_was_made_anew_under_a_running_worker_moves_no_cursor_back(
    facts: LaneUnderTest, connection: Connection
) -> None:
    async with facts.running() as loop:
        await tell(facts, 10)
        await until(cursor_is(connection, facts, 10))
        loop._log.pause([0])  # so that the group does not notice that the topic is away
        await asyncio.sleep(0.5)
        async with admin(facts) as kafka:
            await kafka.delete_topics([facts.lane.topic.name])
        await ensure_topics(facts.stack.kafka_bootstrap, topics=[facts.lane.topic])
        await tell(facts, 2)
        loop._log.resume([0])
        await until(halted(loop))
        assert "the next record is that at 10, the log holds 0 to 2" in str(loop.halted)
        await asyncio.sleep(1.5)
    assert await cursor(connection, facts) == 10
    assert await count(connection, "journal") == 10


async def test_the_fence_moves_no_cursor_back(connection: Connection) -> None:
    await cursors.put(connection, "test.back", "topic", 0, 10)
    assert await cursors.advance(connection, "test.back", "topic", [Span(0, 10, 2)]) == set()
    assert await cursors.read(connection, "test.back", "topic", [0]) == {0: 10}


@asynccontextmanager
async def transactional(lane: LaneUnderTest) -> AsyncIterator[AIOKafkaProducer]:
    """A producer of somebody else, who writes in transactions."""
    producer = AIOKafkaProducer(
        bootstrap_servers=lane.stack.kafka_bootstrap, transactional_id=f"test-{uuid4().hex}"
    )
    await producer.start()
    try:
        yield producer
    finally:
        await producer.stop()


async def send(producer: AIOKafkaProducer, lane: LaneUnderTest, account: str) -> None:
    """A fact in the transaction under way."""
    envelope = Envelope(new_id(), REGISTERED.type, account, CUSTOMER)
    await producer.send_and_wait(
        lane.lane.topic.name, encode_body(REGISTERED), key=account.encode(), headers=encode_headers(envelope)
    )


def lag(lane: LaneUnderTest) -> float | None:
    """What the gauge of the one partition says."""
    labels = {"group": lane.lane.group, "topic": lane.lane.topic.name, "partition": "0"}
    return REGISTRY.get_sample_value("billing_consumer_lag_messages", labels)


async def test_facts_of_an_aborted_transaction_are_not_applied_and_leave_no_lag(
    facts: LaneUnderTest, connection: Connection
) -> None:
    taken_back, committed = account_id(), account_id()
    async with facts.running(), transactional(facts) as producer:
        await producer.begin_transaction()
        await send(producer, facts, taken_back)
        await asyncio.sleep(0.5)
        assert await count(connection, "journal") == 0
        await producer.abort_transaction()
        await producer.begin_transaction()
        await send(producer, facts, committed)
        await producer.commit_transaction()
        await until(decided(connection, 1))
        await until(cursor_is(connection, facts, 4))

        async def caught_up() -> bool:
            return lag(facts) == 0

        await until(caught_up)
    assert await connection.fetchval("SELECT account_id FROM journal") == committed


async def test_a_cursor_in_a_transaction_under_way_waits_for_its_end(
    facts: LaneUnderTest, connection: Connection
) -> None:
    applied_before, waits = account_id(), account_id()
    async with transactional(facts) as producer:
        await producer.begin_transaction()
        await send(producer, facts, applied_before)
        await send(producer, facts, waits)
        # As a release leaves it that did not wait for the end of transactions, or as an operator sets it.
        await cursors.put(connection, facts.lane.group, facts.lane.topic.name, 0, 1)
        async with facts.running() as loop:
            await until(assigned(loop))
            await asyncio.sleep(0.5)
            assert (loop.halted, await count(connection, "journal")) == (None, 0)
            await producer.commit_transaction()
            await until(decided(connection, 1))
            await until(cursor_is(connection, facts, 3))
    assert await connection.fetchval("SELECT account_id FROM journal") == waits


def assigned(loop: Loop) -> Callable[[], Awaitable[bool]]:
    """Whether the lane halts, or works on a partition."""

    async def found() -> bool:
        return loop.halted is not None or bool(loop.assigned_partitions)

    return found


async def test_a_light_consumer_waits_for_the_end_of_a_transaction_too(facts: LaneUnderTest) -> None:
    read: list[bytes | None] = []

    async def work(records: Sequence[Record]) -> None:
        read.extend(record.key for record in records)

    topic, group = facts.lane.topic.name, facts.lane.group
    consumer = LightConsumer(
        work,
        lane="test",
        topics=(topic,),
        group=group,
        bootstrap=facts.stack.kafka_bootstrap,
        client_id="test",
        wait_ms=50,
    )
    taken_back, committed = account_id(), account_id()
    await consumer.broker.start()
    try:
        async with transactional(facts) as producer:
            await producer.begin_transaction()
            await send(producer, facts, taken_back)
            await producer.abort_transaction()
            await producer.begin_transaction()
            await send(producer, facts, committed)
            await producer.commit_transaction()

        async def caught_up() -> bool:
            await consumer.report()
            return lag(facts) == 0

        await until(caught_up)
    finally:
        await consumer.broker.stop()
    assert read == [committed.encode()]


async def test_a_log_that_drops_the_marks_behind_the_last_record_is_no_loss(
    facts: LaneUnderTest, connection: Connection
) -> None:
    async with facts.running(), transactional(facts) as producer:
        await producer.begin_transaction()
        await send(producer, facts, account_id())
        await producer.commit_transaction()
        await until(cursor_is(connection, facts, 2))
    async with admin(facts) as kafka:
        await kafka.delete_records({TopicPartition(facts.lane.topic.name, 0): RecordsToDelete(2)})
    async with facts.running() as again:
        await tell(facts, 1)
        await until(decided(connection, 2))
        assert again.halted is None
