"""What the operator's commands ask Kafka: the bounds of a log, who is in a group, single records."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, Final, TypeVar

import click
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import GroupCoordinatorNotAvailableError, KafkaError, for_code

from consumers import held
from consumers.header_names import tolerate_odd_header_names
from fleet.settings import Settings
from topics.message import Record
from topics.table import DEAD_LETTERS

T = TypeVar("T")

SECONDS: Final = 30.0
"""After which one piece of work is given up."""
_FETCH_BYTES: Final = 4 * 1024 * 1024


def with_kafka(work: Callable[[AIOKafkaConsumer], Awaitable[T]]) -> T:
    """Run one piece of work with a consumer of no group; brokers that are away are a sentence."""

    async def run() -> T:
        async with _reader() as consumer:
            return await work(consumer)

    return _asked(run())


def publish(record: Record) -> None:
    """Write a record to its topic, by its key, and wait until all replicas have it."""
    _asked(_publish(record))


def _asked(work: Coroutine[Any, Any, T]) -> T:
    async def run() -> T:
        async with asyncio.timeout(SECONDS):
            return await work

    try:
        return asyncio.run(run())
    except (KafkaError, TimeoutError, OSError) as down:
        words = str(down) or "no answer in time"
        raise click.ClickException(f"Kafka can't be asked (KAFKA_BOOTSTRAP): {words}") from None


@asynccontextmanager
async def _reader() -> AsyncIterator[AIOKafkaConsumer]:
    """A consumer that commits nothing and joins nothing."""
    tolerate_odd_header_names()
    consumer = AIOKafkaConsumer(
        bootstrap_servers=Settings().kafka_bootstrap,
        client_id="fleet-cli",
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=_FETCH_BYTES,
        fetch_max_wait_ms=50,
    )
    try:
        await consumer.start()
        yield consumer
    finally:
        await consumer.stop()


async def _publish(record: Record) -> None:
    producer = AIOKafkaProducer(
        bootstrap_servers=Settings().kafka_bootstrap,
        client_id="fleet-cli",
        acks="all",
        enable_idempotence=True,
        max_request_size=DEAD_LETTERS.max_bytes,
    )
    try:
        await producer.start()
        headers = [(name, value or b"") for name, value in record.headers]
        await producer.send_and_wait(record.topic, record.value, key=record.key, headers=headers)
    finally:
        await producer.stop()


async def bounds(consumer: AIOKafkaConsumer, topic: str, partition: int) -> tuple[int, int]:
    """The first offset that the log holds and the next one to be written, as the lanes see it too."""
    return (await held.bounds(consumer, topic, [partition]))[partition]


async def records(
    consumer: AIOKafkaConsumer, topic: str, partition: int, first: int, following: int
) -> AsyncIterator[Record]:
    """The records of a partition from `first` up to, without, `following`."""
    where = TopicPartition(topic, partition)
    consumer.assign([where])
    consumer.seek(where, first)
    while await consumer.position(where) < following:
        for found in (await consumer.getmany(where, timeout_ms=1000, max_records=500)).get(where, ()):
            if found.offset < following:
                yield Record(
                    found.topic,
                    found.partition,
                    found.offset,
                    found.timestamp,
                    found.key,
                    found.value,
                    tuple(found.headers),
                )


async def members(group: str) -> int:
    """How many consumers are in a group, halted ones too. A Kafka that was just made needs a moment to say."""
    admin = AIOKafkaAdminClient(bootstrap_servers=Settings().kafka_bootstrap, client_id="fleet-cli")
    try:
        await admin.start()
        answer = await _described(admin, group)
    finally:
        await admin.close()
    ((code, _, _, _, _, found, *_),) = answer.groups
    if code:
        raise for_code(code)(f"group {group}")
    return len(found)


async def _described(admin: AIOKafkaAdminClient, group: str) -> Any:
    while True:
        try:
            (answer,) = await admin.describe_consumer_groups([group])
        except GroupCoordinatorNotAvailableError:
            await asyncio.sleep(0.2)
        else:
            return answer
