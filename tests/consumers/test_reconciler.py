"""The reconciler on a real Kafka: nothing it reads is lost, whatever fails around it."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from uuid import uuid4

import orjson
import pytest
import pytest_asyncio
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from prometheus_client import REGISTRY

from consumers.reconciler import Reconciler
from fleet.kafka_topics import ensure_topics
from state.postgres.connection import Connection
from tests.conftest import Stack
from tests.consumers.lanes import account_id, until
from topics.codec import encode_body, encode_headers
from topics.message import Actor, Envelope, Event, Role
from topics.profiles import ProfileDeleted
from topics.stripe_customers import StripeCustomerLinked, StripeSyncRequested
from topics.table import EVENTS

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="session")]
ACTOR = Actor("operator:test", Role.SUPPORT, "/test")
Headers = Sequence[tuple[str, bytes]]


@dataclass(frozen=True, slots=True)
class Events:
    """A topic and a group of this test's own."""

    topic: str
    group: str
    stack: Stack
    producer: AIOKafkaProducer

    async def happened(self, account: str, event: Event, cause: str = "the-command") -> None:
        """Publish an event as the relay does."""
        envelope = Envelope(f"{cause}/0", event.type, account, ACTOR, causation_id=cause)
        await self.raw(account.encode(), encode_body(event), encode_headers(envelope))

    async def raw(self, key: bytes | None, value: bytes | None, headers: Headers) -> None:
        """Publish anything at all."""
        await self.producer.send_and_wait(self.topic, value, key=key, headers=list(headers))

    @asynccontextmanager
    async def reconciled(self, dsn: str | None = None) -> AsyncIterator[Reconciler]:
        """A reconciler at work, hosted as in the fleet."""
        found = Reconciler(
            dsn=dsn or self.stack.database_url,
            bootstrap=self.stack.kafka_bootstrap,
            client_id="test",
            topic=self.topic,
            group=self.group,
        )
        task = asyncio.create_task(found.run())
        await found.broker.start()
        try:
            yield found
        finally:
            await found.broker.stop()
            found.stop()
            await task

    async def committed(self) -> int:
        """How many records the group says it has done with."""
        consumer = AIOKafkaConsumer(bootstrap_servers=self.stack.kafka_bootstrap, group_id=self.group)
        await consumer.start()
        try:
            offsets = [await consumer.committed(TopicPartition(self.topic, p)) for p in range(3)]
        finally:
            await consumer.stop()
        return sum(offset or 0 for offset in offsets)


@pytest_asyncio.fixture(loop_scope="session")
async def events(stack: Stack) -> AsyncIterator[Events]:
    """A topic nobody else knows."""
    name = f"test.events.{uuid4().hex[:8]}"
    await ensure_topics(stack.kafka_bootstrap, topics=[replace(EVENTS, name=name, partitions=3)])
    producer = AIOKafkaProducer(bootstrap_servers=stack.kafka_bootstrap)
    await producer.start()
    try:
        yield Events(name, name, stack, producer)
    finally:
        await producer.stop()


async def owed(connection: Connection) -> dict[str, tuple[int, dict[str, object]]]:
    """The open syncs: by account, how often each was asked for and with what."""
    rows = await connection.fetch("SELECT account_id, generation, payload FROM effects WHERE state = 'open'")
    return {row["account_id"]: (row["generation"], orjson.loads(row["payload"])) for row in rows}


async def letters(connection: Connection) -> list[dict[str, str]]:
    rows = await connection.fetch("SELECT headers FROM outbox WHERE topic LIKE '%dead-letters%' ORDER BY id")
    return [dict(orjson.loads(row["headers"])) for row in rows]


async def facts(connection: Connection) -> list[tuple[str, dict[str, object]]]:
    rows = await connection.fetch("SELECT key, body FROM outbox WHERE topic = 'billing.facts.v1' ORDER BY id")
    return [(row["key"], orjson.loads(row["body"])) for row in rows]


async def test_events_become_one_open_sync_per_account(events: Events, connection: Connection) -> None:
    accounts = [account_id() for _ in range(20)]
    for account in accounts * 3:
        await events.happened(account, ProfileDeleted(version=1))
    await events.happened(accounts[0], StripeSyncRequested())
    async with events.reconciled():
        await until(lambda: _has(connection, 20))
        await until(lambda: _is(events, 61))
    found = await owed(connection)
    assert set(found) == set(accounts)
    assert found[accounts[0]][1] == {"force": True}
    assert found[accounts[1]][1] == {}
    cause = await connection.fetchval("SELECT cause FROM effects LIMIT 1")
    assert cause == "the-command"


async def _has(connection: Connection, count: int) -> bool:
    return len(await owed(connection)) == count


async def _is(events: Events, offsets: int) -> bool:
    return await events.committed() == offsets


async def test_what_was_published_before_the_group_existed_is_read_too(
    events: Events, connection: Connection
) -> None:
    account = account_id()
    await events.happened(account, ProfileDeleted(version=1))
    async with events.reconciled():
        await until(lambda: _has(connection, 1))


async def test_bytes_that_no_parser_likes_lose_nothing_around_them(
    events: Events, connection: Connection
) -> None:
    accounts = [account_id() for _ in range(3)]
    envelope = Envelope("x/0", ProfileDeleted.type, accounts[1], ACTOR)
    spoiled = [*encode_headers(envelope), ("traceparent", b"\xff\xfe")]
    await events.happened(accounts[0], ProfileDeleted(version=1))
    await events.raw(b"\xff", b"\xff", [("ce_type", b"\xff\xfe")])
    await events.raw(b"no account", None, [])
    await events.raw(accounts[1].encode(), b"{\xff", spoiled)
    await events.raw(b"", b"{}", [("ce_type", ProfileDeleted.type.encode()), ("ce_subject", b"nobody")])
    await events.happened(accounts[2], ProfileDeleted(version=1))
    before = _dead("bad_key")
    async with events.reconciled():
        await until(lambda: _is(events, 6))
    assert set(await owed(connection)) == set(accounts)
    (letter,) = await letters(connection)
    assert (letter["dl_reason"], letter["dl_topic"]) == ("bad_key", events.topic)
    assert _dead("bad_key") == before + 1


def _dead(reason: str) -> float:
    labels = {"lane": "reconciler", "reason": reason, "owner": "publisher"}
    return REGISTRY.get_sample_value("billing_dead_letters_total", labels) or 0.0


async def test_while_the_store_is_away_nothing_is_committed_and_then_all_is_done(
    events: Events, connection: Connection
) -> None:
    account = account_id()
    await events.happened(account, ProfileDeleted(version=1))
    async with events.reconciled("postgresql://nobody@127.0.0.1:1/nothing"):
        await asyncio.sleep(0.5)
        assert await events.committed() == 0
    assert await events.committed() == 0
    async with events.reconciled():
        await until(lambda: _is(events, 1))
    assert set(await owed(connection)) == {account}


async def test_a_connection_that_is_cut_is_opened_again(events: Events, connection: Connection) -> None:
    async with events.reconciled():
        for count in (1, 2, 3):
            await events.happened(account_id(), ProfileDeleted(version=1))
            await until(partial(_has, connection, count))
            await connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE application_name = 'reconciler' AND datname = current_database()"
            )


async def test_reading_again_asks_for_no_second_sync(events: Events, connection: Connection) -> None:
    account = account_id()
    await events.happened(account, ProfileDeleted(version=1))
    async with events.reconciled():
        await until(lambda: _is(events, 1))
    again = replace(events, group=f"{events.group}.again")
    async with again.reconciled():
        await until(lambda: _is(again, 1))
    assert await owed(connection) == {account: (2, {})}


async def test_two_reconcilers_share_the_partitions_and_lose_nothing(
    events: Events, connection: Connection
) -> None:
    accounts = [account_id() for _ in range(60)]
    async with events.reconciled():
        for account in accounts[:30]:
            await events.happened(account, ProfileDeleted(version=1))
        async with events.reconciled():
            for account in accounts[30:]:
                await events.happened(account, ProfileDeleted(version=1))
            await until(lambda: _has(connection, 60))
    assert set(await owed(connection)) == set(accounts)


async def link(connection: Connection, account: str, customer_id: str) -> None:
    await connection.execute(
        "INSERT INTO accounts (id, type, version, created_on, edited_on) VALUES ($1, 'pay_go', 1, now(), now())",
        account,
    )
    await connection.execute(
        "INSERT INTO stripe_customers (account_id, customer_id, version) VALUES ($1, $2, 1)",
        account,
        customer_id,
    )


async def test_every_account_of_a_shared_customer_is_told_and_so_is_who_is_left_alone(
    events: Events, connection: Connection
) -> None:
    first, second, alone = sorted(account_id() for _ in range(3))
    await link(connection, first, "cus_shared")
    await link(connection, second, "cus_shared")
    await link(connection, alone, "cus_left")
    await events.happened(
        second, StripeCustomerLinked(customer_id="cus_shared", before="cus_left", version=2)
    )
    async with events.reconciled():
        await until(lambda: _is(events, 1))
    told = {account: (body["customer_id"], body["accounts"]) for account, body in await facts(connection)}
    assert told == {first: ("cus_shared", 2), second: ("cus_shared", 2), alone: ("cus_left", 1)}


async def test_a_customer_of_one_account_is_nobodys_news(events: Events, connection: Connection) -> None:
    account = account_id()
    await link(connection, account, "cus_own")
    await events.happened(account, StripeCustomerLinked(customer_id="cus_own", version=1))
    async with events.reconciled():
        await until(lambda: _is(events, 1))
    assert await facts(connection) == []
    assert set(await owed(connection)) == {account}
