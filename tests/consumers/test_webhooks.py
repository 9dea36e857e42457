"""The webhooks member: from kept webhooks to facts for accounts, once each, with patience for unknown customers."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import orjson
import pytest
import pytest_asyncio
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from prometheus_client import REGISTRY

from consumers.webhooks import Webhooks
from fleet.kafka_topics import ensure_topics
from handlers.accounts import AccountRecord
from handlers.stripe_customers import StripeCustomer
from state.postgres import accounts, stripe_customers
from state.postgres.connection import Connection
from tests.conftest import ROOT, Stack
from tests.consumers.lanes import account_id, until
from topics.accounts import AccountType
from topics.codec import decode
from topics.message import Kind, Received, Record
from topics.payment_methods import StripeCustomerObserved, StripeMethodObserved
from topics.subscriptions import SubscriptionObserved
from topics.table import FACTS, STRIPE_WEBHOOKS

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.stack]

METHOD: dict[str, Any] = {
    "id": "pm_1",
    "object": "payment_method",
    "type": "card",
    "created": 1_795_000_000,
    "card": {"brand": "visa", "last4": "4242", "exp_month": 12, "exp_year": 2030, "fingerprint": "f"},
}


def event(kind: str, body: dict[str, Any], *, event_id: str = "", **data: Any) -> bytes:
    found = {
        "id": event_id or f"evt_{uuid4().hex}",
        "object": "event",
        "type": kind,
        "created": int(time.time()),
        "data": {"object": body, **data},
    }
    return orjson.dumps(found)


class Room:
    """A webhooks member on topics of its own."""

    def __init__(
        self, stack: Stack, producer: AIOKafkaProducer, consumer: AIOKafkaConsumer, topic: str
    ) -> None:
        self.stack, self.topic, self.facts_topic = stack, topic, consumer.subscription()
        self._producer, self._consumer = producer, consumer
        self.seen: list[Received] = []

    async def told(self, body: bytes, key: str = "cus") -> None:
        headers = [("wh_id", b"evt"), ("wh_type", b"type"), ("wh_received", b"0")]
        await self._producer.send_and_wait(self.topic, body, key=key.encode(), headers=headers)

    async def facts(self, many: int) -> list[Received]:
        """The facts published so far, once there are so many."""
        async with asyncio.timeout(30):
            while len(self.seen) < many:
                for some in (await self._consumer.getmany(timeout_ms=100)).values():
                    records = [
                        Record(
                            one.topic,
                            one.partition,
                            one.offset,
                            one.timestamp,
                            one.key,
                            one.value,
                            one.headers,
                        )
                        for one in some
                    ]
                    decoded = decode(records, frozenset({Kind.FACT}))
                    assert all(isinstance(one, Received) for one in decoded), decoded
                    self.seen += [one for one in decoded if isinstance(one, Received)]
        return self.seen

    @asynccontextmanager
    async def member(self, group: str, **options: Any) -> AsyncIterator[Webhooks]:
        (facts,) = self.facts_topic
        member = Webhooks(
            dsn=self.stack.database_url,
            bootstrap=self.stack.kafka_bootstrap,
            client_id="test",
            topics=(self.topic,),
            facts=facts,
            group=group,
            **options,
        )
        await member.broker.start()
        task = asyncio.create_task(member.run())
        try:
            yield member
        finally:
            await member.broker.stop()
            member.stop()
            await task


@pytest_asyncio.fixture(loop_scope="session")
async def room(stack: Stack) -> AsyncIterator[Room]:
    suffix = uuid4().hex[:8]
    webhooks, facts = f"test.webhooks.{suffix}", f"test.facts.{suffix}"
    made = [replace(STRIPE_WEBHOOKS, name=webhooks, partitions=2), replace(FACTS, name=facts, partitions=2)]
    await ensure_topics(stack.kafka_bootstrap, topics=made)
    producer = AIOKafkaProducer(bootstrap_servers=stack.kafka_bootstrap)
    consumer = AIOKafkaConsumer(facts, bootstrap_servers=stack.kafka_bootstrap, auto_offset_reset="earliest")
    await producer.start()
    await consumer.start()
    yield Room(stack, producer, consumer, webhooks)
    await producer.stop()
    await consumer.stop()


async def linked(connection: Connection, customer_id: str) -> str:
    account, now = account_id(), datetime.now(UTC)
    await accounts.save(connection, {account: AccountRecord(AccountType.PAY_GO, 0, 1, None, now, now)})
    await stripe_customers.save(connection, {account: StripeCustomer(customer_id, 1)})
    return account


def customer() -> str:
    return f"cus_{uuid4().hex}"


def counted() -> dict[str, float]:
    """What Stripe's webhooks came to so far, by result."""
    return {
        result: REGISTRY.get_sample_value(
            "billing_webhook_facts_total", {"source": "stripe", "result": result}
        )
        or 0.0
        for result in ("fact", "ignored", "waiting", "dead")
    }


async def has_counted(before: dict[str, float], **more: int) -> bool:
    """Whether just these were counted since."""
    return counted() == {result: count + more.get(result, 0) for result, count in before.items()}


def subscription(customer_id: str, **changes: Any) -> dict[str, Any]:
    return {
        "id": "sub_1",
        "object": "subscription",
        "customer": customer_id,
        "status": "active",
        "collection_method": "charge_automatically",
        "items": {"data": []},
        **changes,
    }


async def test_each_object_becomes_a_fact_of_its_account(room: Room, connection: Connection) -> None:
    cus = customer()
    account = await linked(connection, cus)
    before = counted()
    async with room.member(f"g.{cus}"):
        await room.told(event("payment_method.attached", {**METHOD, "customer": cus}))
        await room.told(event("customer.subscription.updated", subscription(cus)))
        await room.told(event("customer.updated", {"id": cus, "object": "customer", "created": 1}))
        await room.told(event("charge.succeeded", {"id": "ch_1", "object": "charge", "customer": cus}))
        found = await room.facts(3)
        await until(lambda: has_counted(before, fact=3, ignored=1))
    kinds = {type(one.message) for one in found}
    assert kinds == {StripeMethodObserved, SubscriptionObserved, StripeCustomerObserved}
    assert {one.account_id for one in found} == {account}


async def test_an_object_of_tomorrow_becomes_a_dead_letter_that_says_why_and_the_others_go_on(
    room: Room, connection: Connection
) -> None:
    cus = customer()
    await linked(connection, cus)
    odd_card = {**METHOD, "customer": cus, "card": {"exp_month": 13}}
    async with room.member(f"g.{cus}"):
        await room.told(event("customer.subscription.updated", subscription(cus, status="a_new_one")))
        await room.told(event("customer.subscription.updated", subscription(cus, collection_method="barter")))
        await room.told(event("payment_method.updated", odd_card))
        await room.told(event("customer.subscription.updated", subscription(cus)))
        (found,) = await room.facts(1)
        await until(lambda: has_letters(connection, 3))
    assert isinstance(found.message, SubscriptionObserved)
    rows = await connection.fetch("SELECT headers FROM outbox ORDER BY id")
    letters = [dict(orjson.loads(row["headers"])) for row in rows]
    assert {one["dl_reason"] for one in letters} == {"bad_body"}
    details = {one["dl_detail"].removesuffix(" in a webhook of type type") for one in letters}
    assert details == {"status a_new_one", "collection_method barter", "exp_month"}


async def has_letters(connection: Connection, many: int) -> bool:
    """Whether there are so many dead letters."""
    return int(await connection.fetchval("SELECT count(*) FROM outbox")) == many


async def test_a_second_delivery_is_the_same_fact(room: Room, connection: Connection) -> None:
    cus = customer()
    await linked(connection, cus)
    body = event("payment_method.attached", {**METHOD, "customer": cus})
    async with room.member(f"g.{cus}"):
        await room.told(body)
        await room.told(body)
        first, second = await room.facts(2)
    assert first.id == second.id


async def test_a_detached_method_is_told_to_whose_it_was(room: Room, connection: Connection) -> None:
    cus = customer()
    account = await linked(connection, cus)
    body = event(
        "payment_method.detached", {**METHOD, "customer": None}, previous_attributes={"customer": cus}
    )
    async with room.member(f"g.{cus}"):
        await room.told(body)
        (found,) = await room.facts(1)
    assert isinstance(found.message, StripeMethodObserved)
    assert (found.account_id, found.message.customer_id) == (account, None)


async def test_accounts_that_share_a_customer_are_all_told(room: Room, connection: Connection) -> None:
    cus = customer()
    both = {await linked(connection, cus), await linked(connection, cus)}
    async with room.member(f"g.{cus}"):
        await room.told(event("payment_method.attached", {**METHOD, "customer": cus}))
        found = await room.facts(2)
    assert {one.account_id for one in found} == both


async def test_a_webhook_that_is_earlier_than_our_own_commit_waits_for_it(
    room: Room, connection: Connection
) -> None:
    cus = customer()
    async with room.member(f"g.{cus}"):
        await room.told(event("payment_method.attached", {**METHOD, "customer": cus}))
        await until(lambda: connection.fetchval("SELECT count(*) FROM waiting_webhooks"))
        account = await linked(connection, cus)
        await until(lambda: nothing_waits(connection))
    (row,) = await connection.fetch("SELECT key, topic FROM outbox")
    assert (row["key"], row["topic"]) == (account, next(iter(room.facts_topic)))


async def nothing_waits(connection: Connection) -> bool:
    return not await connection.fetchval("SELECT count(*) FROM waiting_webhooks")


async def test_a_customer_that_nobody_has_becomes_a_dead_letter(room: Room, connection: Connection) -> None:
    cus, before = customer(), counted()
    async with room.member(f"g.{cus}", patience=timedelta(seconds=1)):
        await room.told(event("payment_method.attached", {**METHOD, "customer": cus}))
        await until(lambda: connection.fetchval("SELECT count(*) FROM outbox"))
        await until(lambda: has_counted(before, waiting=1, dead=1))
    (row,) = await connection.fetch("SELECT topic, headers FROM outbox")
    assert row["topic"] == "billing.dead-letters.v1"
    headers = dict(orjson.loads(row["headers"]))
    assert (headers["dl_reason"], headers["dl_owner"]) == ("unknown_customer", "support")
    labels = {"lane": "webhooks", "reason": "unknown_customer", "owner": "support"}
    assert REGISTRY.get_sample_value("billing_dead_letters_total", labels)
    assert await nothing_waits(connection)


async def test_what_can_t_be_read_becomes_a_dead_letter_and_the_others_go_on(
    room: Room, connection: Connection
) -> None:
    cus = customer()
    await linked(connection, cus)
    async with room.member(f"g.{cus}"):
        await room.told(b"nothing")
        await room.told(event("payment_method.attached", {"object": "payment_method", "customer": cus}))
        await room.told(event("payment_method.attached", {**METHOD, "customer": cus}))
        assert len(await room.facts(1)) == 1
    reasons = [
        dict(orjson.loads(row["headers"]))["dl_reason"]
        for row in await connection.fetch("SELECT headers FROM outbox")
    ]
    assert reasons == ["bad_body", "bad_body"]


async def test_a_thin_event_has_those_who_know_its_object_look_at_it(
    room: Room, connection: Connection
) -> None:
    cus = customer()
    account = await linked(connection, cus)
    thin = {"id": "evt_t", "object": "v2.core.event", "type": "v1.customer.updated"}
    async with room.member(f"g.{cus}", patience=timedelta(seconds=1)):
        await room.told(orjson.dumps({**thin, "related_object": {"id": cus, "type": "customer"}}))
        await room.told(orjson.dumps({**thin, "related_object": {"id": "acct_1", "type": "account"}}))
        await room.told(
            orjson.dumps({**thin, "id": "evt_u", "related_object": {"id": "pm_9", "type": "payment_method"}})
        )
        await until(lambda: connection.fetchval("SELECT count(*) FROM outbox"))
    (effect,) = await connection.fetch("SELECT account_id, kind FROM effects")
    assert (effect["account_id"], effect["kind"]) == (account, "stripe.align_payments")
    (letter,) = await connection.fetch("SELECT headers FROM outbox")
    assert dict(orjson.loads(letter["headers"]))["dl_reason"] == "unknown_customer"


async def test_a_thin_event_of_a_customer_that_several_share_has_it_read_by_each(
    room: Room, connection: Connection
) -> None:
    cus = customer()
    accounts = sorted([await linked(connection, cus), await linked(connection, cus)])
    thin = {"id": "evt_t", "object": "v2.core.event", "type": "v1.customer.updated"}
    async with room.member(f"g.{cus}", patience=timedelta(seconds=1)):
        await room.told(orjson.dumps({**thin, "related_object": {"id": cus, "type": "customer"}}))
        await until(lambda: connection.fetchval("SELECT count(*) FROM effects"))
    rows = await connection.fetch("SELECT account_id, kind FROM effects ORDER BY account_id")
    assert [tuple(row) for row in rows] == [(one, "stripe.read_customer") for one in accounts]


async def killed_at(room: Room, group: str, point: str) -> None:
    """A member of the group works until it dies at this point."""
    (facts,) = room.facts_topic
    environment = {
        **os.environ,
        "DATABASE_URL": room.stack.database_url,
        "KAFKA_BOOTSTRAP": room.stack.kafka_bootstrap,
        "WEBHOOKS_TOPIC": room.topic,
        "FACTS_TOPIC": facts,
        "GROUP": group,
        "CRASH_AT": point,
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.consumers.webhooks_member", cwd=ROOT, env=environment
    )
    async with asyncio.timeout(60):
        assert await process.wait() == -signal.SIGKILL


@pytest.mark.parametrize("point", ["webhooks.published", "webhooks.handed_on"])
async def test_killed_around_the_publishing_names_each_fact_once(
    room: Room, connection: Connection, point: str
) -> None:
    customer, group = f"cus_{uuid4().hex}", f"test.{uuid4().hex}"
    account = await linked(connection, customer)
    for number in range(3):
        await room.told(
            event("payment_method.updated", {**METHOD, "id": f"pm_{number}", "customer": customer})
        )
    await room.told(event("payment_method.updated", {**METHOD, "customer": "cus_unknown"}))
    await room.told(b"{}")
    await killed_at(room, group, point)
    async with room.member(group):
        await until(lambda: settled(connection))
        await room.facts(3)
    assert {one.account_id for one in room.seen} == {account}
    assert len({one.id for one in room.seen}) == 3, "a repeated batch names each fact as before"
    assert await connection.fetchval("SELECT count(*) FROM waiting_webhooks") == 1


async def settled(connection: Connection) -> bool:
    """Whether the one that can't be read has become a letter."""
    return bool(await connection.fetchval("SELECT count(*) FROM outbox"))


async def test_killed_while_one_is_released_it_leaves_once(room: Room, connection: Connection) -> None:
    customer, group = f"cus_{uuid4().hex}", f"test.{uuid4().hex}"
    await room.told(event("payment_method.updated", {**METHOD, "customer": customer}))
    async with room.member(group):
        await until(lambda: connection.fetchval("SELECT count(*) FROM waiting_webhooks"))
    await linked(connection, customer)
    await killed_at(room, group, "webhooks.released")
    assert await connection.fetchval("SELECT count(*) FROM waiting_webhooks") == 1
    assert await connection.fetchval("SELECT count(*) FROM outbox") == 0
    async with room.member(group):
        await until(lambda: settled(connection))
    assert await connection.fetchval("SELECT count(*) FROM waiting_webhooks") == 0
    assert await connection.fetchval("SELECT count(*) FROM outbox") == 1
