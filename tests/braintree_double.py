"""The double of Braintree as a server beside the tests."""

from collections.abc import Iterator
from dataclasses import dataclass

import braintree
import pytest
from redis.asyncio import Redis

from observability.metrics import BRAINTREE_BREAKER
from sandbox.braintree import process
from sandbox.braintree.driver import Driver
from sandbox.braintree.world import MERCHANT, PRIVATE_KEY, PUBLIC_KEY
from state.braintree.client import Braintree, Credentials
from state.redis.budget import Budget, Limits
from state.stripe.breaker import Breaker

NOWHERE = "http://127.0.0.1:1"
"""Where nobody listens, for tests that have no business there."""
PLENTY = Limits(account=10_000, endpoint=10_000)


@dataclass(frozen=True, slots=True)
class BraintreeDouble:
    """Where it listens, and what drives it."""

    url: str
    driver: Driver

    def gateway(self) -> braintree.BraintreeGateway:
        """The real SDK, pointed at it."""
        host, port = self.url.removeprefix("http://").split(":")
        environment = braintree.Environment("double", host, port, self.url, False, None, host, port)
        configuration = braintree.Configuration(
            environment, MERCHANT, PUBLIC_KEY, PRIVATE_KEY, wrap_http_exceptions=True, timeout=5
        )
        return braintree.BraintreeGateway(configuration)


def braintree_at(url: str, redis: Redis, *, timeout: float = 5.0) -> Braintree:
    """Our client; made inside the running loop."""
    return Braintree(
        Credentials(MERCHANT, PUBLIC_KEY, PRIVATE_KEY, url),
        budget=Budget(redis, PLENTY, processor=f"test:{url}"),
        breaker=Breaker(gauge=BRAINTREE_BREAKER),
        timeout=timeout,
    )


@pytest.fixture(scope="session")
def braintree_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BraintreeDouble]:
    """One double for the whole session."""
    child = process.start(tmp_path_factory.mktemp("braintree"))
    driver = Driver(child.url)
    yield BraintreeDouble(child.url, driver)
    driver.close()
    child.stop()


@pytest.fixture
def braintree_double(braintree_server: BraintreeDouble) -> BraintreeDouble:
    """The double, empty."""
    braintree_server.driver.reset()
    return braintree_server
