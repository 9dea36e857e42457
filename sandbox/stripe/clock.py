"""The server's clock: the machine's, moved by an offset or standing still as a test sets it; the store keeps it."""

import time

from sandbox.stripe import settings
from sandbox.stripe.store import Store

OFFSET, FROZEN = "clock_offset", "clock_frozen"


class Clock:
    """Seconds since the epoch as the double sees them. What it sets outlives a restart."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.offset = float(settings.read(store, OFFSET, 0.0))
        self.frozen: float | None = settings.read(store, FROZEN)

    def now(self) -> float:
        """Now, with the offset; always the same while it is frozen."""
        return self.frozen if self.frozen is not None else time.time() + self.offset

    def move(self, offset: float) -> None:
        """Sets the offset in seconds; a frozen clock jumps by the difference and stands again."""
        if self.frozen is not None:
            self._stand(self.frozen + offset - self.offset)
        settings.write(self._store, OFFSET, offset)
        self.offset = offset

    def advance(self, seconds: float) -> None:
        """Jumps forward, frozen or not. Raises ValueError for a way back: what happened has happened."""
        if seconds < 0:
            raise ValueError("the clock advances by 0 seconds or more; to set it back, set clock_offset")
        self.move(self.offset + seconds)

    def freeze(self) -> None:
        """Stands still, where it is."""
        self._stand(self.now())

    def thaw(self) -> None:
        """Goes on from where it stood."""
        if self.frozen is not None:
            offset = self.frozen - time.time()
            self._stand(None)
            self.move(offset)

    def _stand(self, at: float | None) -> None:
        settings.write(self._store, FROZEN, at)
        self.frozen = at
