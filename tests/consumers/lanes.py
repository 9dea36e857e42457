"""A lane of a test's own: fresh topic and group, messages published as any producer would."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from uuid import UUID, uuid4

from aiokafka import AIOKafkaProducer
from redis.asyncio import Redis
from uuid6 import uuid7

from consumers.lane import LANES, Lane
from consumers.log import KafkaLog
from consumers.loop import Loop, LoopSettings
from fleet.kafka_topics import ensure_topics
from state.postgres.connection import Connection
from tests.conftest import Stack
from topics.codec import encode_body, encode_headers
from topics.message import Actor, Envelope, Message, Role

SUPPORT = Actor("operator:test", Role.SUPPORT, "/test")
CUSTOMER = Actor("token:test", Role.CUSTOMER, "/dashboard")


def account_id() -> str:
    """An account nobody has seen."""
    return uuid4().hex


@dataclass
class LaneUnderTest:
    """Publishes to a lane and runs its loop."""

    lane: Lane
    stack: Stack
    redis: Redis
    producer: AIOKafkaProducer

    async def publish(
        self,
        account: str,
        message: Message,
        *,
        command_id: UUID | None = None,
        actor: Actor = CUSTOMER,
        reply_to: str | None = None,
    ) -> UUID:
        """Publish one message; gives its id."""
        found = command_id or uuid7()
        envelope = Envelope(found, message.type, account, actor, reply_to=reply_to)
        await self.raw(account.encode(), encode_body(message), encode_headers(envelope))
        return found

    async def raw(self, key: bytes | None, value: bytes | None, headers: list[tuple[str, bytes]]) -> None:
        """Publish anything at all."""
        await self.producer.send_and_wait(self.lane.topic.name, value, key=key, headers=headers)

    def loop(self, **settings: int | float) -> Loop:
        """A worker of this lane; several may run at once."""
        kafka = KafkaLog(self.lane, self.stack.kafka_bootstrap, "test")
        return Loop(
            self.lane,
            kafka,
            dsn=self.stack.database_url,
            redis=self.redis,
            settings=LoopSettings(**settings),  # type: ignore[arg-type]
        )

    @asynccontextmanager
    async def running(self, **settings: int | float) -> AsyncIterator[Loop]:
        """A worker at work; its failure fails the test."""
        loop = self.loop(**settings)
        task = asyncio.create_task(loop.run())
        try:
            yield loop
        finally:
            loop.stop()
            await task


@asynccontextmanager
async def lane_under_test(
    name: str, stack: Stack, redis: Redis, partitions: int = 3
) -> AsyncIterator[LaneUnderTest]:
    """A copy of a lane on a topic that no other test knows."""
    suffix = uuid4().hex[:8]
    topic = replace(LANES[name].topic, name=f"test.{name}.{suffix}", partitions=partitions)
    await ensure_topics(stack.kafka_bootstrap, topics=[topic])
    lane = replace(LANES[name], topic=topic, group=f"test.{name}.{suffix}")
    producer = AIOKafkaProducer(bootstrap_servers=stack.kafka_bootstrap, enable_idempotence=True, acks="all")
    await producer.start()
    try:
        yield LaneUnderTest(lane, stack, redis, producer)
    finally:
        await producer.stop()


async def until(condition: Callable[[], Awaitable[object]], *, seconds: float = 30) -> None:
    """Wait until something holds; the deadline is for a broken test, not a measure."""
    async with asyncio.timeout(seconds):
        while not await condition():
            await asyncio.sleep(0.02)


async def journaled(connection: Connection, account: str) -> list[tuple[str, str, int | None]]:
    """What was decided about an account, in the order of ids."""
    rows = await connection.fetch(
        "SELECT type, outcome, code FROM journal WHERE account_id = $1 ORDER BY command_id", account
    )
    return [(row["type"], row["outcome"], row["code"]) for row in rows]


async def count(connection: Connection, table: str) -> int:
    """Rows of a table."""
    found: int = await connection.fetchval(f"SELECT count(*) FROM {table}")
    return found
