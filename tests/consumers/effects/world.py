"""Accounts whose events and facts go round as in the fleet, step by step and without Kafka."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import orjson
from redis.asyncio import Redis
from uuid6 import uuid7

from consumers.applier import Applier
from consumers.batch import Batch
from consumers.effects import Effects, EffectsSettings
from consumers.lane import LANES, Lane
from consumers.performers import performers
from consumers.performing import Performer
from consumers.stripe_notices import noticed
from consumers.stripe_owed import owe
from handlers.payment_method import NO_METHODS
from handlers.stripe_customers import StripeCustomer
from handlers.stripe_projection import SyncState, sync_state
from state.braintree.client import Braintree
from state.postgres import accounts, cursors, profiles, stripe_customers
from state.postgres.connection import Connection, connect
from state.postgres.cursors import Span
from state.redis import handover
from state.stripe.client import Stripe
from tests.braintree_double import NOWHERE, braintree_at
from tests.conftest import Stack
from tests.stripe_double import Double, stripe_at
from topics.accounts import AccountRegistered, AccountType
from topics.codec import decode, encode_body, encode_headers
from topics.message import Actor, Envelope, Kind, Message, Record, Role
from topics.profiles import ProfileFields, UpsertProfile
from topics.table import EVENTS

SUPPORT = Actor("operator:test", Role.SUPPORT, "/test")
ADA: Mapping[str, str] = {
    "first_name": "Ada",
    "last_name": "Lovelace",
    "address": "1 Main St",
    "city": "San Francisco",
    "state": "CA",
    "zipcode": "94105",
    "country": "US",
    "telephone": "+1 415-555-2671",
    "billing_email": "ada@example.com",
}
SETTINGS = EffectsSettings(poll_seconds=0.02, gauge_seconds=0.2, stop_seconds=5)


@dataclass
class World:
    """The way round: a command is decided, its events owe effects, the effects' facts are decided."""

    stack: Stack
    double: Double
    redis: Redis
    connection: Connection
    stripe: Stripe
    braintree: Braintree
    appliers: Mapping[str, Applier]
    offsets: dict[str, itertools.count] = field(default_factory=dict)  # type: ignore[type-arg]

    async def account(self, account_type: AccountType = AccountType.PAY_GO) -> str:
        """A new account without a profile."""
        account_id = uuid4().hex
        await self.say(account_id, AccountRegistered(account_type=account_type))
        return account_id

    async def customer_of_ada(self) -> str:
        """A new account with a profile; its customer is owed, not made."""
        account_id = await self.account()
        await self.profile(account_id)
        return account_id

    async def free_customer(self) -> str:
        """The id of a customer at Stripe to which no account is linked any more."""
        account_id = await self.customer_of_ada()
        await self.settle()
        await self.connection.execute("DELETE FROM stripe_customers WHERE account_id = $1", account_id)
        return str(self.only_customer(account_id)["id"])

    async def profile(self, account_id: str, **changes: str) -> None:
        """Give the account Ada's profile, with changes."""
        fields = ProfileFields(**{**ADA, **changes})
        await self.say(account_id, UpsertProfile(**fields.model_dump(exclude_unset=True)))

    async def say(self, account_id: str, message: Message, secrets: Mapping[str, str] | None = None) -> UUID:
        """Have a message decided, and what its events ask for owed; gives its id. `secrets` are handed over."""
        command_id: UUID = uuid7()
        if secrets:
            await handover.give(self.redis, command_id, secrets)
        lane = LANES["facts" if message.kind is Kind.FACT else "commands"]
        envelope = Envelope(command_id, message.type, account_id, SUPPORT)
        headers = tuple(encode_headers(envelope))
        record = self._record(lane.topic.name, account_id, encode_body(message), headers)
        await self._decide(lane, [record])
        await self.relay()
        return command_id

    async def relay(self) -> None:
        """Empty the outbox: events to the reconciler, facts to their lane, until nothing is left."""
        while rows := await self.connection.fetch(
            "DELETE FROM outbox RETURNING id, topic, key, headers, body"
        ):
            ordered = sorted(rows, key=lambda row: row["id"])
            records = [self._published(row) for row in ordered]
            await owe(self.connection, noticed(r for r in records if r.topic == EVENTS.name), "test")
            for lane in (LANES["commands"], LANES["facts"]):
                if told := [record for record in records if record.topic == lane.topic.name]:
                    await self._decide(lane, told)
        await self.quiet()

    async def quiet(self) -> None:
        """As if nothing had been asked for lately: what settles is due."""
        await self.connection.execute(
            "UPDATE effects SET due_at = least(due_at, now()) WHERE state = 'open' AND settles_until IS NOT NULL "
            "AND attempts = 0"
        )

    async def settle(self, *, rounds: int = 20) -> None:
        """Perform and relay until nothing is due any more."""
        for _ in range(rounds):
            async with self.member():
                await until(self.nothing_due)
            await self.relay()
            if await self.nothing_due():
                return
        raise AssertionError("it does not come to rest")

    @asynccontextmanager
    async def member(
        self, extra: Mapping[str, Performer] | None = None, settings: EffectsSettings = SETTINGS
    ) -> AsyncIterator[Effects]:
        """An effects member at work; its failure fails the test."""
        known = {**performers(self.stripe, self.braintree, self.redis), **(extra or {})}
        member = Effects(known, dsn=self.stack.database_url, worker="test", settings=settings)
        task = asyncio.create_task(member.run())
        try:
            yield member
        finally:
            member.stop()
            await task

    async def nothing_due(self) -> bool:
        """Whether no effect is open but those that wait for their deadline."""
        return not await self.connection.fetchval(
            "SELECT count(*) FROM effects WHERE state = 'open' AND target <> 'deadline'"
        )

    async def leases_run_out(self) -> None:
        """As if everybody's lease had ended and every backoff too."""
        await self.connection.execute(
            "UPDATE effects SET leased_until = now() - interval '1 second', due_at = now() WHERE state = 'open'"
        )

    async def sync_state(self, account_id: str) -> SyncState:
        """What a caller is told about the account's customer."""
        record = (await accounts.load(self.connection, [account_id]))[account_id]
        profile = (await profiles.load(self.connection, [account_id])).get(account_id)
        return sync_state(account_id, record, profile, NO_METHODS, await self.link(account_id))

    async def link(self, account_id: str) -> StripeCustomer:
        """The account's Stripe side."""
        found = await stripe_customers.load(self.connection, [account_id])
        return found.get(account_id) or StripeCustomer()

    async def effect_rows(self, account_id: str) -> list[dict[str, Any]]:
        """The account's effects, oldest first."""
        rows = await self.connection.fetch(
            "SELECT * FROM effects WHERE account_id = $1 ORDER BY id", account_id
        )
        return [dict(row) for row in rows]

    async def gone_wrong(self, account_id: str) -> None:
        """Wait until another attempt at the account's effect has ended without success."""
        await self.connection.execute(
            "UPDATE effects SET last_error = NULL WHERE account_id = $1", account_id
        )

        async def failed() -> bool:
            return (await self.effect_rows(account_id))[-1]["last_error"] is not None

        await until(failed)

    async def settle_all_but(self, account_id: str) -> None:
        """Settle while one account's effects wait."""
        await self.connection.execute(
            "UPDATE effects SET due_at = 'infinity', state = 'failed' WHERE account_id = $1", account_id
        )
        await self.settle()
        await self.connection.execute(
            "UPDATE effects SET due_at = now(), state = 'open' WHERE account_id = $1", account_id
        )

    async def under_way(self, account_id: str) -> bool:
        """Whether somebody works on the account's last effect."""
        return bool((await self.effect_rows(account_id))[-1]["leased_by"])

    def customers(self, account_id: str) -> list[dict[str, Any]]:
        """The living customers that Stripe holds for the account, with their tax ids."""
        objects = self.double.driver.objects()
        customers = [
            one
            for one in objects
            if one["object"] == "customer" and one.get("metadata", {}).get("account_id") == account_id
        ]
        for customer in customers:
            customer["tax_ids"] = sorted(
                (one["type"], one["value"])
                for one in objects
                if one["object"] == "tax_id" and one["customer"] == customer["id"]
            )
        return customers

    def only_customer(self, account_id: str) -> dict[str, Any]:
        """The one living customer of the account."""
        (customer,) = self.customers(account_id)
        return customer

    async def _decide(self, lane: Lane, records: list[Record]) -> None:
        connection, topic = self.connection, lane.topic.name
        await cursors.open_all(connection, lane.group, topic, {0: 0})
        start = (await cursors.read(connection, lane.group, topic, [0]))[0]
        entries = tuple(decode(records, lane.kinds))
        batch = Batch((Span(0, start, start + len(records)),), entries)
        await self.appliers[lane.name].apply(batch, lambda: True)

    def _published(self, row: Any) -> Record:
        headers = tuple((name, value.encode()) for name, value in orjson.loads(row["headers"]))
        return self._record(row["topic"], row["key"], row["body"], headers)

    def _record(
        self, topic: str, key: str, body: bytes | None, headers: tuple[tuple[str, bytes | None], ...]
    ) -> Record:
        offset = next(self.offsets.setdefault(topic, itertools.count()))
        now_ms = int(datetime.now(UTC).timestamp() * 1000)
        return Record(topic, 0, offset, now_ms, key.encode(), body, headers)


async def until(condition: Callable[[], Awaitable[object]], *, seconds: float = 30) -> None:
    """Wait until something holds; the deadline is for a broken test, not a measure."""
    async with asyncio.timeout(seconds):
        while not await condition():
            await asyncio.sleep(0.02)


@asynccontextmanager
async def world_of(
    stack: Stack, double: Double, redis: Redis, braintree_url: str = NOWHERE
) -> AsyncIterator[World]:
    """A world on a database of its own."""
    connection = await connect(stack.database_url, name="world")
    stripe = stripe_at(double.url, redis)
    braintree = braintree_at(braintree_url, redis)
    appliers = {name: Applier(LANES[name], stack.database_url, "test") for name in ("commands", "facts")}
    try:
        yield World(stack, double, redis, connection, stripe, braintree, appliers)
    finally:
        for applier in appliers.values():
            await applier.close()
        await stripe.close()
        await braintree.close()
        await connection.close()


def lease(seconds: float) -> EffectsSettings:
    """Settings with a short lease."""
    return EffectsSettings(lease=timedelta(seconds=seconds), poll_seconds=0.02, gauge_seconds=0.2)
