"""The relay after a failed send: whatever its producer holds is given up before the shards are."""

import asyncio
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaTimeoutError
from asyncpg.exceptions import InsufficientPrivilegeError, PostgresError, QueryCanceledError
from prometheus_client import REGISTRY

from consumers import relay as relaying
from consumers.relay import Relay
from producers.trace import new_id
from state.kafka import drop
from state.postgres import outbox
from state.postgres.connection import Connection, connect
from tests.conftest import Stack
from tests.consumers.lanes import CUSTOMER, LaneUnderTest, account_id, count, until
from topics.message import Envelope
from topics.profiles import DeleteProfile

pytestmark = [pytest.mark.asyncio, pytest.mark.stack]


class Failing(AIOKafkaProducer):  # type: ignore[misc]
    """Takes the first message and no second one."""

    lives = 0
    stopped = 0

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        Failing.lives += 1
        self._fails, self._sent = Failing.lives == 1, 0

    async def send(self, *message: Any, **addressed: Any) -> Any:
        """As any producer, but in its first life."""
        self._sent += 1
        if self._fails and self._sent > 1:
            raise KafkaTimeoutError
        return await super().send(*message, **addressed)

    async def stop(self) -> None:
        """Flushes, which is what must not happen here."""
        Failing.stopped += 1
        await super().stop()


async def shards_held(connection: Connection) -> int:
    """The shards of this database that some relay owns."""
    found: int = await connection.fetchval(
        "SELECT count(*) FROM pg_locks JOIN pg_database ON pg_database.oid = pg_locks.database"
        " WHERE locktype = 'advisory' AND classid = $1 AND datname = current_database()",
        outbox._LOCKS,
    )
    return found


async def test_a_failed_send_gives_the_producer_up_unflushed_and_only_then_the_shards(
    stack: Stack, connection: Connection, commands: LaneUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    held: list[int] = []

    async def watched(producer: AIOKafkaProducer) -> None:
        looking = await connect(stack.database_url, name="looking")
        held.append(await shards_held(looking))
        await looking.close()
        await drop(producer)

    monkeypatch.setattr(relaying, "AIOKafkaProducer", Failing)
    monkeypatch.setattr(relaying, "drop", watched)
    account, message = account_id(), DeleteProfile()
    envelopes = [Envelope(new_id(), message.type, account, CUSTOMER) for _ in range(3)]
    topic = commands.lane.topic.name
    await outbox.add(connection, [outbox.message_row(topic, one, message) for one in envelopes])
    relay = Relay(dsn=stack.database_url, bootstrap=stack.kafka_bootstrap)
    task = asyncio.create_task(relay.run())

    async def published() -> bool:
        return await count(connection, "outbox") == 0

    await until(published)
    relay.stop()
    await task
    assert held[0] == outbox.SHARDS
    assert (Failing.lives, Failing.stopped) == (2, 0)


def measured(name: str) -> float:
    """A gauge of the relay; NaN while nothing is known."""
    found = REGISTRY.get_sample_value(name)
    assert found is not None
    return found


async def owe(connection: Connection, lane: LaneUnderTest, count: int) -> str:
    """Messages of an account that wait to be published; gives the account."""
    account, message = account_id(), DeleteProfile()
    envelopes = [Envelope(new_id(), message.type, account, CUSTOMER) for _ in range(count)]
    rows = [outbox.message_row(lane.lane.topic.name, one, message) for one in envelopes]
    await outbox.add(connection, rows)
    return account


@pytest.mark.parametrize("refused", [QueryCanceledError, InsufficientPrivilegeError])
async def test_what_cannot_be_counted_is_published_all_the_same(
    stack: Stack,
    connection: Connection,
    commands: LaneUnderTest,
    monkeypatch: pytest.MonkeyPatch,
    refused: type[PostgresError],
) -> None:
    counted: list[int] = []

    async def uncounted(looking: Connection) -> tuple[int, float]:
        counted.append(await looking.fetchval("SELECT pg_backend_pid()"))
        raise refused

    monkeypatch.setattr(outbox, "depth", uncounted)
    monkeypatch.setattr(relaying, "LOOK_EVERY", 0.01)
    await owe(connection, commands, 3)
    relay = Relay(dsn=stack.database_url, bootstrap=stack.kafka_bootstrap)
    task = asyncio.create_task(relay.run())

    async def published() -> bool:
        return await count(connection, "outbox") == 0 and len(counted) > 1

    await until(published)
    relay.stop()
    await task


async def test_what_waits_is_told_while_nothing_can_be_published(
    stack: Stack, connection: Connection, commands: LaneUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relaying, "LOOK_EVERY", 0.01)
    await owe(connection, commands, 3)
    await connection.execute("UPDATE outbox SET created_at = created_at - interval '1 hour'")
    relay = Relay(dsn=stack.database_url, bootstrap="127.0.0.1:1")
    task = asyncio.create_task(relay.run())

    async def told() -> bool:
        return measured("billing_outbox_depth") == 3

    await until(told)
    assert 3600 <= measured("billing_outbox_oldest_seconds") < 3700
    assert await count(connection, "outbox") == 3
    relay.stop()
    await task
