"""The ledger of effects: one row for each change a request made, kept over restarts, for drills to count."""

from typing import Any

from sandbox.stripe.store import Store


def record(
    store: Store, *, at: float, endpoint: str, object_id: str, idempotency_key: str | None, request_id: str
) -> None:
    """Notes a change, in its own transaction."""
    store.execute(
        "INSERT INTO effects (at, endpoint, object_id, idempotency_key, request_id) VALUES (?, ?, ?, ?, ?)",
        (at, endpoint, object_id, idempotency_key, request_id),
    )
    store.execute(
        "INSERT INTO effect_counts (endpoint, effects) VALUES (?, 1) "
        "ON CONFLICT (endpoint) DO UPDATE SET effects = effects + 1",
        (endpoint,),
    )


def after(store: Store, seq: int, limit: int) -> list[dict[str, Any]]:
    """The effects that follow `seq`, oldest first."""
    cursor = store.execute("SELECT * FROM effects WHERE seq > ? ORDER BY seq LIMIT ?", (seq, limit))
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor]


def counts(store: Store) -> dict[str, int]:
    """How many effects each endpoint had."""
    return dict(store.execute("SELECT endpoint, effects FROM effect_counts ORDER BY endpoint").fetchall())
