"""What the control API sets and the store keeps over restarts: a JSON value for each name."""

from typing import Any

import orjson

from sandbox.stripe.store import Store


def read(store: Store, name: str, default: Any = None) -> Any:
    """The value, or the default when it was never set."""
    row = store.execute("SELECT value FROM settings WHERE name = ?", (name,)).fetchone()
    return orjson.loads(row[0]) if row else default


def write(store: Store, name: str, value: Any) -> None:
    """Sets a value, inside the open transaction or as its own; who waits for the store looks again."""
    store.execute(
        "INSERT INTO settings (name, value) VALUES (?, ?) "
        "ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        (name, orjson.dumps(value).decode()),
    )
    store.committed()
