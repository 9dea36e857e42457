"""An account that pays and a sweeps member that does what it is told."""

from collections.abc import AsyncIterator

import pytest_asyncio
from redis.asyncio import Redis

from tests.braintree_double import BraintreeDouble, braintree_double, braintree_server
from tests.conftest import Stack
from tests.consumers.effects.payments import Payments, paying
from tests.consumers.sweeps.sweeping import Sweeping, sweeping
from tests.stripe_double import Double, double, stripe_server

__all__ = ["braintree_double", "braintree_server", "double", "stripe_server"]


@pytest_asyncio.fixture(loop_scope="session")
async def payments(
    stack: Stack, double: Double, braintree_double: BraintreeDouble, redis: Redis
) -> AsyncIterator[Payments]:
    """An account with a profile, in step with Stripe."""
    async with paying(stack, double, braintree_double, redis) as found:
        yield found


@pytest_asyncio.fixture(loop_scope="session")
async def sweep(payments: Payments) -> AsyncIterator[Sweeping]:
    """The member."""
    async with sweeping(payments) as found:
        yield found
