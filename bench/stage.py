"""A stage: a fresh, migrated database with known accounts, and the lanes' cursors at the end of their topics."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Final

import asyncpg
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from bench.servers import Servers
from bench.show import Done
from bench.workload import Outgoing, profile
from consumers.lane import Lane
from fleet.kafka_topics import ensure_topics
from state.postgres import cursors
from state.postgres.connection import Connection, connect
from state.postgres.migrate import apply_migrations

SAMPLES: Final = 1000
"""Profiles made for a stage; accounts share them, which nothing measured depends on."""
LOADING_SECONDS: Final = 300.0
STALLED_SECONDS: Final = 60.0


class StalledError(Exception):
    """Nothing was applied for a minute."""


@asynccontextmanager
async def fresh_database(servers: Servers, name: str) -> AsyncIterator[Servers]:
    """A migrated database of that name, dropped in the end."""
    admin = await asyncpg.connect(servers.database_url)
    try:
        await admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        await admin.execute(f"CREATE DATABASE {name}")
        found = servers.database(name)
        connection = await connect(found.database_url, name="bench")
        await apply_migrations(connection)
        await connection.close()
        await ensure_topics(servers.kafka_bootstrap)
        yield found
        await admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
    finally:
        await admin.close()


async def settle(connection: Connection, accounts: Sequence[str], *, seed: int) -> None:
    """Open accounts with a profile each, by COPY; ends with statistics and a checkpoint."""
    now = datetime.now(UTC)
    dice = random.Random(seed)
    samples = [tuple(profile(dice, number).values()) for number in range(SAMPLES)]
    await connection.copy_records_to_table(
        "accounts",
        columns=("id", "type", "version", "created_on", "edited_on"),
        records=((account_id, "pay_go", 1, now, now) for account_id in accounts),
        timeout=LOADING_SECONDS,
    )
    await connection.copy_records_to_table(
        "profiles",
        records=(
            (account_id, *samples[n % SAMPLES], 1, now, now, None) for n, account_id in enumerate(accounts)
        ),
        timeout=LOADING_SECONDS,
    )
    await refresh(connection, "accounts", "profiles")


async def refresh(connection: Connection, *tables: str) -> None:
    """Leave no work of before to what is measured next: statistics, visibility, dirty pages."""
    for table in tables:
        await connection.execute(f"VACUUM ANALYZE {table}", timeout=LOADING_SECONDS)
    await connection.execute("CHECKPOINT", timeout=LOADING_SECONDS)


async def start_here(connection: Connection, bootstrap: str, lanes: Collection[Lane]) -> None:
    """Let the lanes begin behind everything that is on their topics now."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap)
    await consumer.start()
    try:
        for lane in lanes:
            ends = await consumer.end_offsets(partitions_of(lane))
            starts = {found.partition: offset for found, offset in ends.items()}
            await cursors.open_all(connection, lane.group, lane.topic.name, starts)
    finally:
        await consumer.stop()


def partitions_of(lane: Lane) -> list[TopicPartition]:
    """The partitions of a lane's topic as aiokafka names them."""
    return [TopicPartition(lane.topic.name, number) for number in range(lane.topic.partitions)]


async def publish(bootstrap: str, topic: str, messages: Iterable[Outgoing], done: Done) -> None:
    """Publish as fast as Kafka takes it, acknowledged by all replicas."""
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap,
        enable_idempotence=True,
        acks="all",
        linger_ms=5,
        max_batch_size=256 * 1024,
    )
    await producer.start()
    try:
        for number, message in enumerate(messages):
            await producer.send(topic, message.value, key=message.key, headers=message.headers)
            if number % 1000 == 0:
                done(number)
    finally:
        await producer.stop()


async def position(connection: Connection, lane: Lane) -> int:
    """How far the lane's cursors stand, added up: twelve rows, so that looking costs nothing."""
    found: int = await connection.fetchval(
        "SELECT coalesce(sum(next_offset), 0)::bigint FROM cursors WHERE consumer_group = $1", lane.group
    )
    return found


async def rate(
    count: Callable[[], Awaitable[int]], *, total: int, warm_up: int, every: float, done: Done
) -> float:
    """How many a second are counted, from the first look at `warm_up` or more to the one at `total`.

    Raises `StalledError`.
    """
    began: tuple[float, int] | None = None
    last, moved_at = -1, time.monotonic()
    while True:
        found, now = await count(), time.monotonic()
        if began is None and found >= max(1, warm_up):
            began = now, found
        if found >= total and began is not None:
            since, counted = began
            return (found - counted) / max(now - since, 1e-9)
        if found != last:
            last, moved_at = found, now
            done(found)
        elif now - moved_at > STALLED_SECONDS:
            raise StalledError(f"{found} of {total} were applied, and no more for {STALLED_SECONDS:.0f} s")
        await asyncio.sleep(every)
