"""One double with all it has: the store and clock, the keys, limits, faults and log."""

import asyncio
from dataclasses import dataclass, field
from pathlib import Path

from sandbox.stripe import webhook_endpoints
from sandbox.stripe.clock import Clock
from sandbox.stripe.deliverer import Deliverer
from sandbox.stripe.faults import Plan
from sandbox.stripe.idempotency import Keys
from sandbox.stripe.limits import Limiter, Limits
from sandbox.stripe.log import Log
from sandbox.stripe.search import LONGEST_LAG
from sandbox.stripe.store import Store
from sandbox.stripe.version import API_VERSION as API_VERSION

API_KEY = "sk_test_sandbox"


@dataclass(frozen=True, slots=True)
class Webhook:
    """An endpoint that is there from the start, for all events; without a secret it gets one of its own."""

    url: str
    secret: str | None = None
    payload: str = "snapshot"


@dataclass(frozen=True, slots=True)
class Options:
    """How a double starts, and what `reset` brings it back to. `search_lag` in seconds."""

    api_key: str = API_KEY
    limits: Limits = field(default_factory=Limits)
    search_lag: float = 1.0
    webhook: Webhook | None = None


class World:
    """The state of one double. Not for two threads at once."""

    def __init__(self, data: Path, options: Options) -> None:
        """Opens the data folder. Raises StoreUnusable."""
        self.options = options
        self.store = Store(data)
        self.stirred = asyncio.Event()
        self.store.committed = self.stirred.set
        self._begin()
        self.deliverer = Deliverer(self.store, self.clock, self.stirred.set)

    def reset(self) -> None:
        """Forgets every object, key, effect, fault and setting."""
        self.store.clear()
        self._begin()
        self.deliverer.forget(self.clock)

    def close(self) -> None:
        """Gives the data folder back."""
        self.store.close()

    def set_search_lag(self, seconds: float) -> None:
        """How far search is behind, up to an hour. Raises ValueError."""
        if not 0 <= seconds <= LONGEST_LAG:
            raise ValueError(f"search lags by 0 to {LONGEST_LAG:.0f} seconds")
        self.search_lag = seconds

    def _begin(self) -> None:
        self.clock = Clock(self.store)
        self.keys = Keys(self.store)
        self.limiter = Limiter(self.options.limits)
        self.plan = Plan()
        self.log = Log()
        self.search_lag = self.options.search_lag
        if self.options.webhook:
            self._connect(self.options.webhook)

    def _connect(self, wanted: Webhook) -> None:
        """The endpoint of the command line; after a restart it is the same, with what waits for it."""
        with self.store.transaction():
            webhook_endpoints.ensure(
                self.store, wanted.url, self.clock.now(), secret=wanted.secret, payload=wanted.payload
            )
