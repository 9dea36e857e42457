"""Webhooks to rows: from their topic through both hops, and from HTTP with signatures checked at 1, 8, 32 in flight.

Each webhook is a card with a new date: two records on Kafka, a journal row, a payment method's row, an event.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition

from bench import members, webhook_events
from bench.apply import WrongEffectsError
from bench.latency import percentile
from bench.load import at_once
from bench.plan import Plan
from bench.servers import Servers
from bench.show import Show
from bench.stage import fresh_database, position, publish, rate, refresh, settle, start_here
from bench.stripe_stage import Template, settle_ours
from bench.workload import account_ids
from consumers.lane import LANES
from consumers.webhooks import GROUP
from state.postgres.connection import Connection, connect
from topics.table import STRIPE_WEBHOOKS

LANE: Final = LANES["facts"]
SETTINGS: Final = {
    "STRIPE_WEBHOOK_SECRETS": webhook_events.SECRET,
    "BRAINTREE_MERCHANT_ID": "bench",
    "BRAINTREE_PUBLIC_KEY": "bench",
    "BRAINTREE_PRIVATE_KEY": "bench",
}


@dataclass(frozen=True, slots=True)
class InFlight:
    """Through HTTP with so many at once: taken a second, their latency, and rows a second to the last one."""

    taken_per_second: float
    p50_ms: float
    p99_ms: float
    rows_per_second: float


@dataclass(frozen=True, slots=True)
class Received:
    """Webhooks a second from Kafka to rows, COPY of the same rows, and through HTTP by how many were in flight."""

    per_second: float
    copy_per_second: float
    http: dict[int, InFlight]

    def figures(self) -> dict[str, object]:
        """As it is reported."""
        return {
            "webhooks_per_second": round(self.per_second),
            "copy_per_second": round(self.copy_per_second),
            "share_of_copy": round(self.per_second / self.copy_per_second, 3),
            "http_per_second": round(max(one.taken_per_second for one in self.http.values())),
            "http": {
                str(count): {
                    "taken_per_second": round(one.taken_per_second),
                    "p50_ms": round(one.p50_ms, 2),
                    "p99_ms": round(one.p99_ms, 2),
                    "rows_per_second": round(one.rows_per_second),
                }
                for count, one in self.http.items()
            },
        }


async def measure(servers: Servers, plan: Plan, logs: Path, show: Show) -> Received:
    """First from the topic, then through HTTP."""
    template = await asyncio.to_thread(Template, logs / "webhooks-stripe")
    accounts = account_ids(plan.webhook_accounts)
    async with _stage(servers, template, accounts, plan, show) as (own, connection):
        speed = await _from_kafka(own, connection, template, accounts, plan, logs, show)
        copied = await _copied(connection, plan.webhooks, show)
    async with (
        _stage(servers, template, accounts, plan, show) as (own, connection),
        AsyncExitStack() as stack,
    ):
        port = members.free_port()
        await stack.enter_async_context(members.worker("webhooks", servers=own, logs=logs))
        await stack.enter_async_context(members.worker("facts", servers=own, logs=logs))
        surface = members.surface("webhooks", port=port, servers=own, logs=logs, settings=SETTINGS)
        await stack.enter_async_context(surface)
        http = {
            count: await _http(connection, template, accounts, port, count, plan, show)
            for count in plan.webhooks_in_flight
        }
    return Received(speed, copied, http)


@asynccontextmanager
async def _stage(
    servers: Servers, template: Template, accounts: Sequence[str], plan: Plan, show: Show
) -> AsyncIterator[tuple[Servers, Connection]]:
    show.step(f"webhooks: {len(accounts):,} accounts with a card each")
    async with fresh_database(servers, "bench_webhooks") as own:
        connection = await connect(own.database_url, name="bench")
        try:
            await settle(connection, len(accounts), seed=plan.seed)
            await settle_ours(connection, template, accounts)
            await start_here(connection, own.kafka_bootstrap, [LANE])
            await _group_starts_here(own.kafka_bootstrap)
            yield own, connection
        finally:
            await connection.close()


async def _group_starts_here(bootstrap: str) -> None:
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, group_id=GROUP, enable_auto_commit=False)
    await consumer.start()
    try:
        partitions = [TopicPartition(STRIPE_WEBHOOKS.name, n) for n in range(STRIPE_WEBHOOKS.partitions)]
        consumer.assign(partitions)
        await consumer.commit(await consumer.end_offsets(partitions))
    finally:
        await consumer.stop()


async def _from_kafka(
    own: Servers,
    connection: Connection,
    template: Template,
    accounts: Sequence[str],
    plan: Plan,
    logs: Path,
    show: Show,
) -> float:
    start = await position(connection, LANE)
    done = show.step("webhooks: publishing", plan.webhooks)
    found = [webhook_events.kept(body) for body in webhook_events.events(template, accounts, plan.webhooks)]
    await publish(own.kafka_bootstrap, STRIPE_WEBHOOKS.name, found, done)
    await refresh(connection)
    done = show.step("webhooks: from Kafka to rows", plan.webhooks)

    async def count() -> int:
        return await position(connection, LANE) - start

    async with AsyncExitStack() as stack:
        for name in ("webhooks", "facts"):
            await stack.enter_async_context(members.worker(name, servers=own, logs=logs))
        speed = await rate(count, total=plan.webhooks, warm_up=plan.webhooks // 6, every=0.01, done=done)
    await _check(connection, plan.webhooks)
    return speed


async def _check(connection: Connection, expected: int) -> None:
    """Every webhook applied once: a journal row each, and each card has the date of its last one."""
    found = await connection.fetchrow(
        "SELECT (SELECT count(*) FROM journal WHERE outcome = 'applied') AS journal,"
        " (SELECT sum(version - 1) FROM payment_methods) AS versions"
    )
    if found is None or {int(value) for value in found.values()} != {expected}:
        raise WrongEffectsError(f"{expected} webhooks should have left {dict(found or {})}")


async def _copied(connection: Connection, count: int, show: Show) -> float:
    """COPY of the journal rows, the outbox rows, and as many rows of methods, 5,000 webhooks a commit."""
    show.step("webhooks: COPY of the same rows")
    methods: list[Any] = await connection.fetch("SELECT * FROM payment_methods", timeout=300)
    copies = -(-count // len(methods))
    rows = {
        "journal": [tuple(row) for row in await connection.fetch("SELECT * FROM journal", timeout=300)],
        "outbox": [
            tuple(row)
            for row in await connection.fetch(
                "SELECT shard, topic, key, headers, body FROM outbox", timeout=300
            )
        ],
        "payment_methods": [
            (f"{number:032x}", *tuple(row)[1:]) for number, row in enumerate((methods * copies)[:count])
        ],
    }
    for table in rows:
        await connection.execute(f"CREATE TABLE copied_{table} (LIKE {table} INCLUDING ALL)")
    await refresh(connection)
    columns = {"outbox": ("shard", "topic", "key", "headers", "body")}
    began = time.monotonic()
    for start in range(0, count, 5_000):
        async with connection.transaction():
            for table, records in rows.items():
                await connection.copy_records_to_table(
                    f"copied_{table}", records=records[start : start + 5_000], columns=columns.get(table)
                )
    return count / (time.monotonic() - began)


async def _http(
    connection: Connection,
    template: Template,
    accounts: Sequence[str],
    port: int,
    in_flight: int,
    plan: Plan,
    show: Show,
) -> InFlight:
    show.step(f"webhooks: through HTTP, {in_flight} in flight")
    start = await position(connection, LANE)
    count = plan.webhook_requests * min(in_flight, 8)
    requests = [webhook_events.request(body) for body in webhook_events.events(template, accounts, count)]
    began = time.monotonic()
    answers = await at_once(requests, address=("127.0.0.1", port), connections=in_flight)
    seconds = time.monotonic() - began
    good = sorted(answers.seconds.get(200, []))
    while await position(connection, LANE) - start < len(good):
        await asyncio.sleep(0.01)
    return InFlight(
        taken_per_second=len(good) / seconds,
        p50_ms=percentile(good, 50, count) * 1000,
        p99_ms=percentile(good, 99, count) * 1000,
        rows_per_second=len(good) / (time.monotonic() - began),
    )
