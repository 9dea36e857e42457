"""Accounts that pay, at both doubles: what a customer asks for, and what came of it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson
import pytest_asyncio
from redis.asyncio import Redis

from handlers.payment_method import NO_METHODS, PaymentMethod, PaymentMethods
from handlers.subscription import NO_SUBSCRIPTIONS, Subscriptions
from state.postgres import journal, payment_methods, subscriptions
from state.redis import handover
from tests.braintree_double import BraintreeDouble
from tests.conftest import Stack
from tests.consumers.effects.world import World, world_of
from tests.stripe_double import Double
from topics.ids import conclusion_id
from topics.message import Message
from topics.payment_methods import AddPaymentMethod, MethodKind


@dataclass(frozen=True, slots=True)
class Payments:
    """One account with a profile and a customer, and both processors."""

    world: World
    vault: BraintreeDouble
    account: str

    async def ask(self, message: Message, **secrets: str) -> UUID:
        """Ask for something that goes on in an effect; nothing is performed yet. Gives the operation."""
        if secrets:
            operation = await self.world.say(self.account, message, secrets=secrets)
        else:
            operation = await self.world.say(self.account, message)
        return operation

    async def adds(self, reference: str = "pm_card_visa", **fields: Any) -> UUID:
        """Add a card by the name of a test card."""
        given = AddPaymentMethod(method_kind=MethodKind.CREDIT_CARD, payment_method=reference, **fields)
        return await self.ask(given)

    async def connects(self, email: str = "payer@example.com", **fields: Any) -> UUID:
        """Connect PayPal."""
        nonce = self.vault.driver.nonce(email)
        given = AddPaymentMethod(method_kind=MethodKind.PAYPAL, **fields)
        return await self.ask(given, nonce=nonce, device_data="{}")

    async def end(self, operation: UUID) -> tuple[str, int | None, Any]:
        """What the operation came to: outcome, code and answer of its conclusion."""
        found = await journal.known(self.world.connection, [conclusion_id(operation)])
        outcome = found[conclusion_id(operation)]
        return outcome.outcome, outcome.code, orjson.loads(outcome.answer or "null")

    async def secret(self, operation: UUID) -> str | None:
        """The client secret that was handed over."""
        return (await handover.look(self.world.redis, operation)).get("client_secret")

    async def kept(self) -> PaymentMethods:
        """The account's methods."""
        found = await payment_methods.load(self.world.connection, [self.account])
        return found.get(self.account, NO_METHODS)

    async def only(self) -> PaymentMethod:
        """The one method that is no tombstone."""
        (found,) = [one for one in (await self.kept()).methods.values() if not one.gone]
        return found

    async def mirrored(self) -> Subscriptions:
        """The account's subscriptions."""
        found = await subscriptions.load(self.world.connection, [self.account])
        return found.get(self.account, NO_SUBSCRIPTIONS)

    def objects(self, kind: str) -> list[dict[str, Any]]:
        """Stripe's objects of a kind."""
        return self.world.double.driver.objects(kind)

    async def customer(self) -> dict[str, Any]:
        """The account's customer at Stripe."""
        customer_id = (await self.world.link(self.account)).customer_id
        return next(one for one in self.objects("customer") if one["id"] == customer_id)


@asynccontextmanager
async def paying(
    stack: Stack, double: Double, vault: BraintreeDouble, redis: Redis
) -> AsyncIterator[Payments]:
    """An account with a profile, in step with Stripe."""
    async with world_of(stack, double, redis, vault.url) as world:
        account = await world.customer_of_ada()
        await world.settle()
        yield Payments(world, vault, account)


@pytest_asyncio.fixture(loop_scope="session")
async def payments(
    stack: Stack, double: Double, braintree_double: BraintreeDouble, redis: Redis
) -> AsyncIterator[Payments]:
    """An account with a profile, in step with Stripe, and a vault of its own."""
    async with paying(stack, double, braintree_double, redis) as found:
        yield found
