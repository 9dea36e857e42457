"""The double of Stripe as a server beside the tests, and our client pointed at it."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

import pytest
import pytest_asyncio
from redis.asyncio import Redis

from sandbox.stripe import process
from sandbox.stripe.driver import Driver
from sandbox.stripe.world import API_KEY
from state.redis.budget import Budget, Limits, Priority
from state.stripe.breaker import Breaker
from state.stripe.client import Caller, Stripe

PLENTY = Limits(account=10_000, endpoint=10_000)


@dataclass(frozen=True, slots=True)
class Double:
    """Where it listens, and what drives it."""

    url: str
    driver: Driver

    def asked(self, endpoint: str) -> list[dict[str, object]]:
        """The requests to an endpoint, oldest first."""
        return self.driver.requests(endpoint=endpoint, limit=5000)[::-1]


@pytest.fixture(scope="session")
def stripe_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Double]:
    """One double for the whole session."""
    child = process.start(tmp_path_factory.mktemp("stripe"))
    driver = Driver(child.url)
    yield Double(child.url, driver)
    driver.close()
    child.stop()


@pytest.fixture
def double(stripe_server: Double) -> Double:
    """The double, empty and without limits."""
    stripe_server.driver.reset()
    stripe_server.driver.unlimited()
    return stripe_server


def stripe_at(
    url: str, redis: Redis, *, limits: Limits = PLENTY, timeout: float = 5.0, api_key: str = API_KEY
) -> Stripe:
    """Our client; made inside the running loop."""
    return Stripe(
        api_key=api_key,
        budget=Budget(redis, limits, processor=f"test:{url}"),
        breaker=Breaker(),
        base_url=url,
        timeout=timeout,
    )


@pytest_asyncio.fixture(loop_scope="session")
async def stripe_client(double: Double, redis: Redis) -> AsyncIterator[Stripe]:
    """Our client of an empty double, with a short patience."""
    client = stripe_at(double.url, redis, timeout=1.0)
    yield client
    await client.close()


@pytest.fixture
def ask(stripe_client: Stripe) -> Caller:
    """A caller that nothing holds back."""
    return Caller(stripe_client, Priority.CUSTOMER, lambda: None)
