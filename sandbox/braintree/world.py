"""One double with all it has: the vault, the clock, the faults, the log and the webhooks."""

import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox.braintree.store import Store
from sandbox.stripe.faults import Plan

MERCHANT, PUBLIC_KEY, PRIVATE_KEY = "sandbox", "public_sandbox", "private_sandbox"
REMEMBERED = 500
DUPLICATE_SECONDS = 30.0
"""Braintree's own default: .../articles/control-panel/transactions/duplicate-checking."""


@dataclass(frozen=True, slots=True)
class Options:
    """How a double starts. `webhook_url`: where notifications are sent, from the start."""

    webhook_url: str | None = None


class World:
    """The state of one double. Not for two threads at once."""

    def __init__(self, data: Path, options: Options) -> None:
        """Opens the data folder. Raises StoreUnusable."""
        self.options, self.store = options, Store(data)
        self._begin()

    def reset(self) -> None:
        """Forgets everything but where webhooks go."""
        self.store.clear()
        self._begin()

    def close(self) -> None:
        """Gives the data folder back."""
        self.store.close()

    def now(self) -> float:
        """The double's clock."""
        return time.time() + self.offset

    def move(self, offset: float) -> None:
        """Sets the clock apart from the machine's; it outlives a restart."""
        self.offset = offset
        self._keep("clock_offset", offset)

    def refuse_duplicates(self, seconds: float) -> None:
        """For how long a sale like a successful one is refused, 0 for never; it outlives a restart."""
        self.duplicates = seconds
        self._keep("duplicates", seconds)

    def _keep(self, name: str, value: float) -> None:
        self.store.execute(
            "INSERT INTO settings (name, value) VALUES (?, ?) "
            "ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            (name, value),
        )

    def _begin(self) -> None:
        kept = dict(self.store.execute("SELECT name, value FROM settings").fetchall())
        self.offset = float(kept.get("clock_offset", 0.0))
        self.duplicates = float(kept.get("duplicates", DUPLICATE_SECONDS))
        self.plan, self.webhook_url, self.paused = Plan(), self.options.webhook_url, False
        self.log: deque[dict[str, Any]] = deque(maxlen=REMEMBERED)
