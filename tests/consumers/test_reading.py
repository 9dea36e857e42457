"""What stands in the log is read as it stands, odd as it may be, and read whole."""

import asyncio
from collections.abc import AsyncIterator, Collection
from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

import orjson
import pytest
import pytest_asyncio
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.consumer import fetcher
from aiokafka.errors import CorruptRecordException
from aiokafka.producer import message_accumulator, producer
from aiokafka.record.default_records import DefaultRecordBatch, _DefaultRecordBatchBuilderPy
from uuid6 import uuid7

from consumers.header_names import tolerate_odd_header_names
from consumers.log import KafkaLog
from consumers.relay import Relay
from fleet.kafka_topics import ensure_topics
from state.postgres.connection import Connection
from tests.conftest import Stack
from tests.consumers import lanes
from tests.consumers.lanes import SUPPORT, LaneUnderTest, account_id, count, until
from tests.consumers.test_loop import PROFILE, REGISTERED, dead_letters, decided
from topics.codec import encode_body, encode_headers
from topics.limits import ID_MAX_AGE
from topics.message import Envelope, Record
from topics.table import DEAD_LETTERS

pytestmark = [pytest.mark.asyncio, pytest.mark.stack]


class Raw(str):
    """A header name of any bytes: aiokafka's own producer can't write one otherwise."""

    def encode(self, encoding: str = "utf-8", errors: str = "strict") -> bytes:
        return b"\xff\xfe"


@pytest_asyncio.fixture(params=[None], loop_scope="session")
async def raw_producer(
    stack: Stack, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> AsyncIterator[AIOKafkaProducer]:
    """A producer as a C client may be, which puts into one batch what it is given at once."""
    monkeypatch.setattr(message_accumulator, "DefaultRecordBatchBuilder", _DefaultRecordBatchBuilderPy)
    monkeypatch.setattr(producer, "DefaultRecordBatchBuilder", _DefaultRecordBatchBuilderPy)
    started = AIOKafkaProducer(
        bootstrap_servers=stack.kafka_bootstrap, compression_type=request.param, linger_ms=50
    )
    await started.start()
    yield started
    await started.stop()


async def test_a_header_name_that_is_no_text_is_a_dead_letter_and_its_neighbours_go_on(
    commands: LaneUnderTest, connection: Connection, raw_producer: AIOKafkaProducer
) -> None:
    account = account_id()
    key, body = account.encode(), encode_body(PROFILE)

    def headers() -> list[tuple[str, bytes]]:
        return encode_headers(Envelope(uuid7(), PROFILE.type, account, SUPPORT))

    batch = [headers(), [*headers(), (Raw("xx"), b"1")], headers(), [(Raw("xx"), b"2")], headers()]
    sent = [await raw_producer.send(commands.lane.topic.name, body, key=key, headers=one) for one in batch]
    await asyncio.gather(*sent)
    await commands.publish(account, PROFILE)
    async with commands.running():
        await until(decided(connection, 4))
        await until(dead_letters(connection, 2))
    found = await connection.fetch("SELECT headers FROM outbox WHERE topic = 'billing.dead-letters.v1'")
    for row in found:
        assert ["dl_reason", "bad_header"] in orjson.loads(row["headers"])
        assert "\\\\udcff\\\\udcfe" in row["headers"]


@pytest.mark.parametrize("raw_producer", ["gzip", "lz4", "snappy", "zstd"], indirect=True)
async def test_an_odd_name_in_a_compressed_batch_is_read_too(
    stack: Stack, raw_producer: AIOKafkaProducer
) -> None:
    topic = await as_produced(stack)
    sent = [await raw_producer.send(topic, b"%d" % n, headers=[(Raw("xx"), b"1")]) for n in range(3)]
    await asyncio.gather(*sent)
    tolerate_odd_header_names()
    found = await read(stack.kafka_bootstrap, topic, 3)
    assert [(one.value, one.headers[0][0]) for one in found] == [
        (b"0", "\udcff\udcfe"),
        (b"1", "\udcff\udcfe"),
        (b"2", "\udcff\udcfe"),
    ]


async def test_an_odd_name_brings_nothing_back_that_was_read_or_taken_back_before_it(
    stack: Stack, raw_producer: AIOKafkaProducer
) -> None:
    topic = await as_produced(stack)
    await raw_producer.send_and_wait(topic, b"first")
    transactional = AIOKafkaProducer(bootstrap_servers=stack.kafka_bootstrap, transactional_id=uuid4().hex)
    await transactional.start()
    await transactional.begin_transaction()
    await transactional.send_and_wait(topic, b"taken back")
    await transactional.abort_transaction()
    await transactional.stop()
    batch = [(b"second", []), (b"odd", [(Raw("xx"), b"1")]), (b"last", [])]
    sent = [await raw_producer.send(topic, value, headers=headers) for value, headers in batch]
    await asyncio.gather(*sent)
    tolerate_odd_header_names()
    found = await read(stack.kafka_bootstrap, topic, 4, isolation_level="read_committed")
    assert [(one.offset, one.value) for one in found] == [
        (0, b"first"),
        (3, b"second"),
        (4, b"odd"),
        (5, b"last"),
    ]


async def as_produced(stack: Stack) -> str:
    """A topic whose broker keeps batches as their producer made them."""
    admin = AIOKafkaAdminClient(bootstrap_servers=stack.kafka_bootstrap)
    await admin.start()
    name = f"test.as-produced.{uuid4().hex[:8]}"
    try:
        await admin.create_topics([NewTopic(name, 1, 1, topic_configs={"compression.type": "producer"})])
    finally:
        await admin.close()
    return name


@pytest.mark.parametrize("raw_producer", ["gzip"], indirect=True)
async def test_what_a_producer_compressed_stands_in_the_log_so_that_anybody_can_read_it(
    commands: LaneUnderTest, raw_producer: AIOKafkaProducer, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetched: list[bytes] = []

    class Watched(fetcher.MemoryRecords):  # type: ignore[misc]
        def __init__(self, raw: bytes) -> None:
            super().__init__(raw)
            fetched.append(raw)

    monkeypatch.setattr(fetcher, "MemoryRecords", Watched)
    await raw_producer.send_and_wait(commands.lane.topic.name, b"0" * 10_000)
    (found,) = await read(commands.stack.kafka_bootstrap, commands.lane.topic.name, 1)
    assert found.value == b"0" * 10_000
    assert [DefaultRecordBatch(raw).compression_type for raw in fetched if raw] == [0]


class LossyLog(KafkaLog):
    """Loses what it had read already when a poll fails, as aiokafka does with the other partitions."""

    failures = 2

    async def poll(self, timeout: float, limit: int) -> list[Record]:
        records = await super().poll(timeout, limit)
        if records and self.failures:
            self.failures -= 1
            raise CorruptRecordException
        return records


async def test_a_poll_that_fails_leaves_no_hole(
    facts: LaneUnderTest, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lanes, "KafkaLog", LossyLog)
    accounts = [account_id() for _ in range(60)]
    async with facts.running(batch=7):
        for account in accounts:
            await facts.publish(account, REGISTERED)
        await until(decided(connection, len(accounts)))
    assert await count(connection, "accounts") == len(accounts)
    reached = await connection.fetchval("SELECT sum(next_offset) FROM cursors")
    assert reached == len(accounts)


async def test_an_id_is_judged_by_the_brokers_clock_not_by_its_producers(
    commands: LaneUnderTest, connection: Connection
) -> None:
    account, long_ago = account_id(), uuid7().int - (int((2 * ID_MAX_AGE).total_seconds() * 1000) << 80)
    headers = encode_headers(Envelope(UUID(int=long_ago), PROFILE.type, account, SUPPORT))
    its_own_time = long_ago >> 80
    async with commands.running():
        await commands.producer.send_and_wait(
            commands.lane.topic.name,
            encode_body(PROFILE),
            key=account.encode(),
            headers=headers,
            timestamp_ms=its_own_time,
        )
        await until(dead_letters(connection, 1))
    headers_text = await connection.fetchval("SELECT headers FROM outbox")
    assert ["dl_reason", "skewed_id"] in orjson.loads(headers_text)


async def test_the_largest_record_of_a_lane_gets_through_to_the_dead_letters(
    commands: LaneUnderTest, connection: Connection
) -> None:
    topic = replace(DEAD_LETTERS, name=f"test.dead-letters.{uuid4().hex[:8]}", partitions=1)
    await ensure_topics(commands.stack.kafka_bootstrap, topics=[topic])
    headers = [(f"h{n}", b"\xff" * 2000) for n in range(20)]
    async with commands.running():
        await commands.raw(b"x", b"?" * (1024 * 1024 - 45_000), headers)
        await until(dead_letters(connection, 1))
    await connection.execute("UPDATE outbox SET topic = $1", topic.name)
    relay = Relay(dsn=commands.stack.database_url, bootstrap=commands.stack.kafka_bootstrap)
    task = asyncio.create_task(relay.run())
    try:
        (found,) = await read(commands.stack.kafka_bootstrap, topic.name, 1)
    finally:
        relay.stop()
        await task
    assert found.value == b"?" * (1024 * 1024 - 45_000)
    assert dict(found.headers)["dl_reason"] == b"oversized"
    assert dict(found.headers)["h7"] == b"\\xff" * 2000
    assert await count(connection, "outbox") == 0


async def read(bootstrap: str, topic: str, number: int, **options: str) -> Collection[Record]:
    """The first records of a topic."""
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=bootstrap, auto_offset_reset="earliest", **options)
    await consumer.start()
    try:
        async with asyncio.timeout(timedelta(seconds=30).total_seconds()):
            return [await consumer.getone() for _ in range(number)]
    finally:
        await consumer.stop()
