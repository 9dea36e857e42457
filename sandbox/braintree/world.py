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
        self.store.execute(
            "INSERT INTO settings (name, value) VALUES ('clock_offset', ?) "
            "ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            (offset,),
        )

    def _begin(self) -> None:
        row = self.store.execute("SELECT value FROM settings WHERE name = 'clock_offset'").fetchone()
        self.offset = float(row[0]) if row else 0.0
        self.plan, self.webhook_url, self.paused = Plan(), self.options.webhook_url, False
        self.log: deque[dict[str, Any]] = deque(maxlen=REMEMBERED)
