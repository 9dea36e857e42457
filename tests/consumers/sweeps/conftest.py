"""An account that pays and a sweeps member that does what it is told."""

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.braintree_double import braintree_double, braintree_server
from tests.consumers.effects.payments import Payments, payments
from tests.consumers.sweeps.sweeping import Sweeping, sweeping
from tests.stripe_double import double, stripe_server

__all__ = ["braintree_double", "braintree_server", "double", "payments", "stripe_server"]


@pytest_asyncio.fixture(loop_scope="session")
async def sweep(payments: Payments) -> AsyncIterator[Sweeping]:
    """The member."""
    async with sweeping(payments) as found:
        yield found
