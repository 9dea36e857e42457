"""When an object is to be looked at again because time alone changes it: the end of a subscription's period."""

from sandbox.stripe.store import Store


def set_(store: Store, object_id: str, at: float | None) -> None:
    """Sets the object's one alarm, or takes it away; in the open transaction."""
    if at is None:
        store.execute("DELETE FROM alarms WHERE object_id = ?", (object_id,))
    else:
        store.execute("INSERT OR REPLACE INTO alarms (object_id, at) VALUES (?, ?)", (object_id, at))


def next_(store: Store) -> float | None:
    """When the first one rings."""
    found: float | None = store.execute("SELECT min(at) FROM alarms").fetchone()[0]
    return found


def ringing(store: Store, now: float, limit: int) -> list[tuple[str, float]]:
    """The objects whose moment has come, and the moment; first come first."""
    sql = "SELECT object_id, at FROM alarms WHERE at <= ? ORDER BY at, object_id LIMIT ?"
    return store.execute(sql, (now, limit)).fetchall()
