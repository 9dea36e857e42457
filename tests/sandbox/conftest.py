"""The double of Stripe as a running process, and the real `stripe` client that talks to it."""

import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Final

import braintree
import httpx
import pytest
import pytest_asyncio

from sandbox.stripe import mock, process
from sandbox.stripe.client import Api
from sandbox.stripe.driver import Driver
from sandbox.stripe.mock import Mock
from sandbox.stripe.world import API_KEY
from tests.braintree_double import BraintreeDouble, braintree_double, braintree_server
from tests.sandbox import receiver as receivers
from tests.sandbox.receiver import Receiver

__all__ = ["braintree_double", "braintree_server"]


def pytest_configure(config: pytest.Config) -> None:
    # The `stripe` client hands its bodies to httpx in a way that httpx has deprecated: nothing of ours.
    config.addinivalue_line("filterwarnings", "ignore:Use 'content=<...>':DeprecationWarning")


_SERVED: Final = {"stripe_url", "stripe_mock", "braintree_server"}
"""What gives a test a program that runs; the files below start their own."""
_STARTING: Final = ("test_local_", "test_stripe_persistence", "test_braintree_persistence", "test_turnstile")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs a running program, which `make check` leaves to `make test`."""
    for item in items:
        if item.path.parent != Path(__file__).parent:
            continue
        served = not _SERVED.isdisjoint(getattr(item, "fixturenames", ()))
        if served or item.path.name.startswith(_STARTING):
            item.add_marker("program")


@pytest.fixture(autouse=True)
def _not_under_nohup() -> Iterator[None]:
    """Programs that tests start inherit who ignores a hang-up: whoever runs the tests under nohup must not matter."""
    before = signal.getsignal(signal.SIGHUP)
    if before == signal.SIG_IGN:
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.fixture(scope="session")
def stripe_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where one double listens for the whole session."""
    child = process.start(tmp_path_factory.mktemp("stripe"))
    yield child.url
    child.stop()


@pytest.fixture(scope="session")
def stripe_driver(stripe_url: str) -> Iterator[Driver]:
    driver = Driver(stripe_url)
    yield driver
    driver.close()


@pytest.fixture
def double(stripe_driver: Driver) -> Driver:
    """The double, empty, without rate limits and with search up to date."""
    stripe_driver.reset()
    stripe_driver.unlimited()
    stripe_driver.settings(search_lag=0)
    return stripe_driver


@pytest_asyncio.fixture(scope="session")
async def stripe_apis(stripe_url: str) -> AsyncIterator[dict[str, Api]]:
    """The real client in both its forms, without retries of its own; made once, for that is slow."""
    apis = {"sync": Api(stripe_url, mode="sync"), "async": Api(stripe_url, mode="async")}
    yield apis
    for one in apis.values():
        await one.close()


@pytest.fixture(params=["sync", "async"])
def api(double: Driver, stripe_apis: dict[str, Api], request: pytest.FixtureRequest) -> Api:
    """The real client of an empty double, once sync and once async."""
    return stripe_apis[request.param]


@pytest.fixture
def raw(double: Driver, stripe_url: str) -> Iterator[httpx.Client]:
    """Plain HTTP with a good key, for what the client would not send."""
    headers = {"Authorization": f"Bearer {API_KEY}"}
    with httpx.Client(base_url=stripe_url, headers=headers, trust_env=False) as client:
        yield client


@pytest.fixture(scope="session")
def stripe_mock() -> Iterator[Mock]:
    """Stripe's own mock, which knows Stripe's OpenAPI."""
    running = mock.start()
    yield running
    running.stop()


@pytest.fixture
def gateway(braintree_double: BraintreeDouble) -> braintree.BraintreeGateway:
    """The real SDK of Braintree, pointed at its empty double."""
    return braintree_double.gateway()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Where webhooks can be sent to."""
    with receivers.running() as running:
        yield running
