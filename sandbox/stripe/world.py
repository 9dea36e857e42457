"""One double with all it has: the store and clock, the keys, limits, faults and log."""

from dataclasses import dataclass, field
from pathlib import Path

from sandbox.stripe.clock import Clock
from sandbox.stripe.faults import Plan
from sandbox.stripe.idempotency import Keys
from sandbox.stripe.limits import Limiter, Limits
from sandbox.stripe.log import Log
from sandbox.stripe.search import LONGEST_LAG
from sandbox.stripe.store import Store

API_KEY = "sk_test_sandbox"
API_VERSION = "2026-10-28.endive"


@dataclass(frozen=True, slots=True)
class Options:
    """How a double starts, and what `reset` brings it back to. `search_lag` in seconds."""

    api_key: str = API_KEY
    limits: Limits = field(default_factory=Limits)
    search_lag: float = 1.0


class World:
    """The state of one double. Not for two threads at once."""

    def __init__(self, data: Path, options: Options) -> None:
        """Opens the data folder. Raises StoreUnusable."""
        self.options = options
        self.store = Store(data)
        self._begin()

    def reset(self) -> None:
        """Forgets every object, key, effect, fault and setting."""
        self.store.clear()
        self._begin()

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
