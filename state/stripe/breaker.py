"""A breaker: while Stripe does not answer, nobody is sent there but one who looks whether it does again."""

import random
import time
from collections.abc import Callable
from typing import Final

from prometheus_client import Gauge

from observability.metrics import STRIPE_BREAKER

FAILURES: Final = 5
FIRST_REST: Final = 2.0
LONGEST_REST: Final = 60.0
PROBE_PATIENCE: Final = 30.0
"""A probe that has not come back by then is forgotten."""


class Breaker:
    """Counts failures in a row and rests after `failures` of them, twice as long after each failed probe.

    One per process: each finds out for itself, and jitter keeps the fleet's probes apart.
    """

    def __init__(
        self,
        *,
        failures: int = FAILURES,
        clock: Callable[[], float] = time.monotonic,
        seed: int | None = None,
        gauge: Gauge = STRIPE_BREAKER,
    ) -> None:
        self._limit, self._clock, self._gauge = failures, clock, gauge
        self._random = random.Random(seed)  # noqa: S311
        self._failed = 0
        self._rest = FIRST_REST
        self._open_until: float | None = None
        self._probe_until = 0.0
        self._gauge.set(0)

    def held_for(self) -> float:
        """Seconds for which nothing may be sent; 0 when it may, or when a probe is due."""
        if self._open_until is None:
            return 0.0
        now = self._clock()
        return max(0.0, self._open_until - now, self._probe_until - now)

    def admit(self) -> float:
        """As `held_for`; 0 lets the caller through, as the only probe if the breaker is open."""
        held = self.held_for()
        if held == 0.0 and self._open_until is not None:
            self._probe_until = self._clock() + PROBE_PATIENCE
        return held

    def succeeded(self) -> None:
        """Stripe answered."""
        self._failed, self._rest = 0, FIRST_REST
        self._open_until, self._probe_until = None, 0.0
        self._gauge.set(0)

    def failed(self) -> None:
        """Stripe did not answer, or not as a working service does."""
        self._failed += 1
        if self._failed < self._limit:
            return
        if self._open_until is not None and self._clock() < self._open_until:
            return
        self._open_until = self._clock() + self._rest * self._random.uniform(0.75, 1.25)
        self._probe_until = 0.0
        self._rest = min(LONGEST_REST, 2 * self._rest)
        self._gauge.set(1)

    def withdrawn(self) -> None:
        """Who was let through did not go after all."""
        self._probe_until = 0.0
