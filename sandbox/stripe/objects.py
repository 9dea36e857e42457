"""The objects of the account in the store: inserted, changed, read, and left as a stub when deleted."""

from dataclasses import dataclass
from typing import Any, TypeAlias

import orjson

from sandbox.stripe import search
from sandbox.stripe.store import Store

Body: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Stored:
    """An object as it is now: its JSON and whether it was deleted."""

    raw: bytes
    deleted: bool

    @property
    def body(self) -> Body:
        parsed: Body = orjson.loads(self.raw)
        return parsed


def find(store: Store, kind: str, id_: str) -> Stored | None:
    """The object of that kind and id; a deleted one is found as its stub."""
    row = store.execute("SELECT body, deleted FROM objects WHERE id = ? AND kind = ?", (id_, kind)).fetchone()
    return Stored(row[0], bool(row[1])) if row else None


def insert(store: Store, body: Body, at: float, *, parent: str = "") -> None:
    """A new object, searchable once search has caught up with `at`."""
    store.execute(
        "INSERT INTO objects (id, kind, parent, email, created, body) VALUES (?, ?, ?, ?, ?, ?)",
        (body["id"], body["object"], parent, body.get("email"), body["created"], orjson.dumps(body)),
    )
    search.note(store, body["id"], {}, search.terms(body), at)


def update(store: Store, old: Body, body: Body, at: float) -> None:
    """The object's new state; only what changed is noted for search."""
    store.execute(
        "UPDATE objects SET body = ?, email = ? WHERE id = ?",
        (orjson.dumps(body), body.get("email"), body["id"]),
    )
    search.note(store, body["id"], search.terms(old), search.terms(body), at)


def delete(store: Store, old: Body, at: float) -> Body:
    """Leaves the stub `{id, object, deleted: true}` and returns it."""
    stub = {"id": old["id"], "object": old["object"], "deleted": True}
    store.execute(
        "UPDATE objects SET body = ?, email = NULL, deleted = 1 WHERE id = ?", (orjson.dumps(stub), old["id"])
    )
    search.note(store, old["id"], search.terms(old), {}, at)
    return stub


def children(store: Store, kind: str, parent: str) -> list[Body]:
    """What belongs to an object, oldest first, without the deleted."""
    rows = store.execute(
        "SELECT body FROM objects WHERE kind = ? AND parent = ? AND deleted = 0 ORDER BY created, seq",
        (kind, parent),
    )
    return [orjson.loads(row[0]) for row in rows]


def counts(store: Store) -> dict[str, dict[str, int]]:
    """How many objects of each kind there are, living and deleted; from the indexes alone."""
    living = store.execute("SELECT kind, count(*) FROM objects WHERE deleted = 0 GROUP BY kind")
    found = {kind: {"living": count, "deleted": 0} for kind, count in living}
    for kind, count in store.execute("SELECT kind, count(*) FROM objects WHERE deleted = 1 GROUP BY kind"):
        found.setdefault(kind, {"living": 0})["deleted"] = count
    return found
