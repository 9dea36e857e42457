"""A world with a database and doubles of its own, and an account in it that pays."""

from collections.abc import AsyncIterator

import pytest_asyncio
from redis.asyncio import Redis

from tests.braintree_double import braintree_double, braintree_server
from tests.conftest import Stack
from tests.consumers.effects.payments import payments
from tests.consumers.effects.world import World, world_of
from tests.stripe_double import Double, double, stripe_server

__all__ = ["braintree_double", "braintree_server", "double", "payments", "stripe_server"]


@pytest_asyncio.fixture(loop_scope="session")
async def world(stack: Stack, double: Double, redis: Redis) -> AsyncIterator[World]:
    """Accounts, their events and facts, and a Stripe that agrees once all is quiet."""
    async with world_of(stack, double, redis) as made:
        yield made
