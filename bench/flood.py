"""Commands somebody waits for, while a flood is worked off on the other lanes.

A steady trickle of commands is timed from the moment each should be published until the caller is woken
through its reply channel: first in the quiet, once what former stages left is worked off, then while the workers of
`facts` and `bulk` work off their full topics, from the first flooding message applied to the last. Commands and bulk go
to the same accounts.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from aiokafka import AIOKafkaProducer
from redis.asyncio import Redis

from bench import members
from bench.latency import percentile
from bench.plan import Plan
from bench.quiet import wait_for_quiet
from bench.servers import Servers
from bench.show import Done, Show
from bench.stage import fresh_database, position, publish, settle, start_here
from bench.workload import Outgoing, account_id, account_ids, commands, outgoing
from consumers.lane import LANES
from state.postgres.connection import Connection, connect
from state.redis.connection import connect as connect_redis
from state.redis.replies import listen
from topics.accounts import AccountRegistered, AccountType

COMMANDS, FACTS, BULK = (LANES[name] for name in ("commands", "facts", "bulk"))
LISTENING_SECONDS = 0.3


@dataclass(frozen=True, slots=True)
class Flood:
    """Seconds from due to woken, in order of size; one that was never woken is missing from `asked`."""

    quiet: list[float]
    quiet_asked: int
    flooded: list[float]
    flooded_asked: int
    messages: int
    seconds: float
    """From the first of both lanes' messages applied to the last."""
    waited: float | None
    """Seconds until the servers were quiet before the quiet half, None when they were not in time."""

    def figures(self) -> dict[str, object]:
        """As it is reported."""
        quiet = percentile(self.quiet, 99, self.quiet_asked) * 1000
        flooded = percentile(self.flooded, 99, self.flooded_asked) * 1000
        return {
            "ratio": round(flooded / quiet, 2),
            "quiet_p50_ms": round(percentile(self.quiet, 50, self.quiet_asked) * 1000, 2),
            "quiet_p99_ms": round(quiet, 2),
            "flooded_p50_ms": round(percentile(self.flooded, 50, self.flooded_asked) * 1000, 2),
            "flooded_p99_ms": round(flooded, 2),
            "messages": self.messages,
            "messages_per_second": round(self.messages / self.seconds),
            "waited_for_quiet_seconds": None if self.waited is None else round(self.waited, 1),
            "commands_timed": {"quiet": len(self.quiet), "flooded": len(self.flooded)},
        }


class Waiting:
    """Publishes commands on a beat and notes when the caller of each is woken."""

    def __init__(self, producer: AIOKafkaProducer, redis: Redis, channel: str, warm_up: int) -> None:
        self._producer, self._redis, self._channel, self._warm_up = producer, redis, channel, warm_up
        self._due: dict[UUID, float] = {}
        self.seconds: list[float] = []
        self.asked = 0

    async def listen(self) -> None:
        """Hear the outcomes until cancelled."""
        async with listen(self._redis, self._channel) as batches:
            async for outcomes in batches:
                now = time.monotonic()
                for outcome in outcomes:
                    if (due := self._due.pop(outcome.command_id, None)) is not None:
                        self.seconds.append(now - due)

    async def ask(self, messages: Iterator[Outgoing], per_second: float, until: asyncio.Event) -> None:
        """Publish on the beat until told to stop, then wait for the last to be woken."""
        start = time.monotonic()
        sent: list[asyncio.Future[object]] = []
        while not until.is_set():
            due = start + len(sent) / per_second
            if (wait := due - time.monotonic()) > 0:
                await asyncio.sleep(wait)
            message = next(messages)
            if len(sent) >= self._warm_up:
                self._due[message.id] = due
            sent.append(
                await self._producer.send(
                    COMMANDS.topic.name, message.value, key=message.key, headers=message.headers
                )
            )
        await asyncio.gather(*sent)
        self.asked = max(0, len(sent) - self._warm_up)
        deadline = time.monotonic() + 10
        while self._due and time.monotonic() < deadline:
            await asyncio.sleep(0.05)


async def measure(servers: Servers, plan: Plan, logs: Path, show: Show) -> Flood:
    """Quiet first, then the flood."""
    show.step(f"flood: {plan.accounts:,} accounts")
    async with fresh_database(servers, "bench_flood") as own, AsyncExitStack() as stack:
        connection = await connect(own.database_url, name="bench")
        stack.push_async_callback(connection.close)
        await settle(connection, plan.accounts, seed=plan.seed)
        await start_here(connection, own.kafka_bootstrap, [COMMANDS, FACTS, BULK])
        starts = {lane.name: await position(connection, lane) for lane in (FACTS, BULK)}
        await _publish_flood(own, plan, show)
        waited = await wait_for_quiet(connection, show, "flood", limit=plan.quiet_limit)
        await stack.enter_async_context(members.worker("commands", servers=own, logs=logs))
        show.step(f"flood: quiet, {plan.flood_rate} commands/s")
        async with _waiting(own, "bench:quiet", plan) as (quiet, over):
            await asyncio.sleep(plan.flood_seconds)
            over.set()
        done = show.step("flood: facts and bulk at work", 2 * plan.flood_messages)
        for lane in (FACTS, BULK):
            await stack.enter_async_context(members.worker(lane.name, servers=own, logs=logs))
        await _moved(connection, starts, 1, done)
        began = time.monotonic()
        async with _waiting(own, "bench:flooded", plan) as (flooded, over):
            await _moved(connection, starts, plan.flood_messages, done)
            seconds = time.monotonic() - began
            over.set()
    return Flood(
        sorted(quiet.seconds),
        quiet.asked,
        sorted(flooded.seconds),
        flooded.asked,
        2 * plan.flood_messages,
        seconds,
        waited,
    )


async def _publish_flood(own: Servers, plan: Plan, show: Show) -> None:
    accounts = account_ids(plan.accounts)
    bulk = commands(plan.flood_messages, accounts, seed=plan.seed + 2)
    done = show.step("flood: filling bulk", plan.flood_messages)
    await publish(own.kafka_bootstrap, BULK.topic.name, bulk, done)
    opened = AccountRegistered(account_type=AccountType.PAY_GO)
    newcomers = range(plan.accounts, plan.accounts + plan.flood_messages)
    done = show.step("flood: filling facts", plan.flood_messages)
    facts = (outgoing(account_id(number), opened) for number in newcomers)
    await publish(own.kafka_bootstrap, FACTS.topic.name, facts, done)


@asynccontextmanager
async def _waiting(own: Servers, channel: str, plan: Plan) -> AsyncIterator[tuple[Waiting, asyncio.Event]]:
    """Callers at work until the event is set; the block ends when the last one was woken."""
    producer = AIOKafkaProducer(bootstrap_servers=own.kafka_bootstrap, enable_idempotence=True, acks="all")
    redis = connect_redis(own.redis_url)
    await producer.start()
    waiting, over = Waiting(producer, redis, channel, plan.flood_warm_up), asyncio.Event()
    listening = asyncio.create_task(waiting.listen())
    try:
        await asyncio.sleep(LISTENING_SECONDS)
        messages = commands(1_000_000, account_ids(plan.accounts), seed=plan.seed + 3, reply_to=channel)
        asking = asyncio.create_task(waiting.ask(messages, plan.flood_rate, over))
        yield waiting, over
        await asking
    finally:
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
        await producer.stop()
        await redis.aclose()


async def _moved(connection: Connection, starts: dict[str, int], messages: int, done: Done) -> None:
    """Wait until each lane has applied that many."""
    lanes = {name: LANES[name] for name in starts}
    while True:
        moved = [await position(connection, lane) - starts[name] for name, lane in lanes.items()]
        done(sum(moved))
        if all(found >= messages for found in moved):
            return
        await asyncio.sleep(0.05)
