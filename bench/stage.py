"""A stage: a fresh, migrated database with known accounts, and the lanes' cursors at the end of their topics."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable
from contextlib import asynccontextmanager
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


async def settle(connection: Connection, accounts: int, *, seed: int, above: int = 0) -> None:
    """Open the accounts from number `above` up to `accounts`, with a profile each; ends with a checkpoint.

    The reference from profiles to accounts is dropped for the time and checked as a whole in the end.
    """
    dice = random.Random(seed)
    samples = [profile(dice, number) for number in range(SAMPLES)]
    names = ", ".join(samples[0])
    await connection.execute("SET statement_timeout = 0")
    async with connection.transaction():
        await connection.execute("ALTER TABLE profiles DROP CONSTRAINT IF EXISTS profiles_account_id_fkey")
        await connection.execute("CREATE TEMPORARY TABLE samples (LIKE profiles) ON COMMIT DROP")
        await connection.execute(
            "ALTER TABLE samples ALTER version DROP NOT NULL, ALTER created_on DROP NOT NULL,"
            " ALTER edited_on DROP NOT NULL"
        )
        records = [(str(number), *fields.values()) for number, fields in enumerate(samples)]
        await connection.copy_records_to_table(
            "samples", columns=("account_id", *samples[0]), records=records
        )
        numbers = "FROM generate_series($1::bigint, $2::bigint - 1) AS number"
        await connection.execute(
            "INSERT INTO accounts (id, type, version, created_on, edited_on)"
            f" SELECT md5(number::text), 'pay_go', 1, now(), now() {numbers}",
            above,
            accounts,
            timeout=LOADING_SECONDS,
        )
        await connection.execute(
            f"INSERT INTO profiles (account_id, {names}, version, created_on, edited_on)"
            f" SELECT md5(number::text), {names}, 1, now(), now()"
            f" {numbers} JOIN samples ON account_id = (number % {SAMPLES})::text",
            above,
            accounts,
            timeout=LOADING_SECONDS,
        )
        await connection.execute(
            "ALTER TABLE profiles ADD CONSTRAINT profiles_account_id_fkey"
            " FOREIGN KEY (account_id) REFERENCES accounts (id)",
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

    When the first such look finds all of them, from the look before it.

    Raises `StalledError`.
    """
    began: tuple[float, int] | None = None
    last, moved_at = 0, time.monotonic()
    before = moved_at, 0
    while True:
        found, now = await count(), time.monotonic()
        if began is None and found >= max(1, warm_up):
            began = (now, found) if found < total else before
        before = now, found
        if found >= total and began is not None:
            since, counted = began
            return (found - counted) / max(now - since, 1e-9)
        if found != last:
            last, moved_at = found, now
            done(found)
        elif now - moved_at > STALLED_SECONDS:
            raise StalledError(f"{found} of {total} were applied, and no more for {STALLED_SECONDS:.0f} s")
        await asyncio.sleep(every)
