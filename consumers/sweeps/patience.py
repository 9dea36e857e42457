"""How long a full sweep stands still for Braintree: it must not keep the next sweep from beginning."""

import time
from datetime import timedelta
from typing import Final

from state.postgres.sweeps import Sweep

PATIENCE: Final = timedelta(minutes=15)
"""Longer than most failures last. What is left out then is looked at by the next sweep, and by the rounds before it."""


class Patience:
    """Remembers since when it has not got on from one place; whoever takes over a sweep begins to wait anew."""

    def __init__(self, lasts: timedelta = PATIENCE) -> None:
        self._lasts = lasts
        self._stuck: tuple[int, str, str | None] | None = None
        self._since = 0.0

    def over(self, sweep: Sweep) -> bool:
        """Note that a step failed; whether this one has been tried for long enough."""
        place = (sweep.id, sweep.phase, sweep.place)
        if place != self._stuck:
            self._stuck, self._since = place, time.monotonic()
            return False
        return time.monotonic() - self._since >= self._lasts.total_seconds()
