"""The server's clock: the machine's, moved by an offset that a test sets and the store keeps."""

import time

from sandbox.stripe.store import Store


class Clock:
    """Seconds since the epoch as the double sees them."""

    def __init__(self, store: Store) -> None:
        self._store = store
        row = store.execute("SELECT value FROM settings WHERE name = 'clock_offset'").fetchone()
        self.offset = float(row[0]) if row else 0.0

    def now(self) -> float:
        """Now, with the offset."""
        return time.time() + self.offset

    def move(self, offset: float) -> None:
        """Sets the offset in seconds; it outlives a restart."""
        self._store.execute(
            "INSERT INTO settings (name, value) VALUES ('clock_offset', ?) "
            "ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            (repr(offset),),
        )
        self.offset = offset
