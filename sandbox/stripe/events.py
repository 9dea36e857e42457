"""Events: what happened to an object, as a snapshot, written in the transaction of the change itself.

Kept for 30 days of the double's clock (docs.stripe.com/api/events). Who caused an event, a request or nobody,
is known from the context; a change made silently leaves none.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeAlias

import orjson

from sandbox.stripe import outbox
from sandbox.stripe.ids import new_id
from sandbox.stripe.store import Store
from sandbox.stripe.version import API_VERSION

Body: TypeAlias = dict[str, Any]
KEPT_SECONDS = 30 * 86_400
NOBODY: Body = {"id": None, "idempotency_key": None}
_SWEEP_EVERY = 500
_cause: ContextVar[Body | None] = ContextVar("cause", default=NOBODY)


@contextmanager
def caused_by(request_id: str, idempotency_key: str | None) -> Iterator[None]:
    """Events emitted inside name this request."""
    token = _cause.set({"id": request_id, "idempotency_key": idempotency_key})
    try:
        yield
    finally:
        _cause.reset(token)


@contextmanager
def silently() -> Iterator[None]:
    """Nothing emitted inside is written: a change of which no event tells."""
    token = _cause.set(None)
    try:
        yield
    finally:
        _cause.reset(token)


def emit(store: Store, *, at: float, type: str, body: Body, previous: Body | None = None) -> None:
    """Writes an event and its deliveries, in the open transaction.

    `body` is the object as of now. `previous` is the whole object as it was (it has an `id`), of which the
    event tells what changed, or just the `previous_attributes` themselves. An update that changed nothing
    leaves no event, as at Stripe.
    """
    request = _cause.get()
    before = difference(previous, body) if previous and "id" in previous else previous
    if request is None or (previous is not None and not before):
        return
    data: Body = {"object": body} if before is None else {"object": body, "previous_attributes": before}
    event = {
        "id": new_id("evt", 24),
        "object": "event",
        "api_version": API_VERSION,
        "created": int(at),
        "data": data,
        "livemode": False,
        "pending_webhooks": 0,
        "request": request,
        "type": type,
    }
    _write(store, at, event)


def difference(old: Body, new: Body) -> Body:
    """What `previous_attributes` says: the old values of what changed, null for what was not there."""
    changed: Body = {}
    for name in {**old, **new}:
        before, after = old.get(name), new.get(name)
        if isinstance(before, dict) and isinstance(after, dict):
            if inner := difference(before, after):
                changed[name] = inner
        elif before != after:
            changed[name] = before
    return changed


def _write(store: Store, at: float, event: Body) -> None:
    wanted = outbox.wanted(store, event["type"])
    event["pending_webhooks"] = len(wanted)
    cursor = store.execute(
        "INSERT INTO events (id, type, object_id, created, body) VALUES (?, ?, ?, ?, ?)",
        (
            event["id"],
            event["type"],
            event["data"]["object"].get("id"),
            event["created"],
            orjson.dumps(event),
        ),
    )
    seq = int(cursor.lastrowid or 0)
    outbox.put(store, seq=seq, event_id=event["id"], type=event["type"], at=at, endpoints=wanted)
    if seq % _SWEEP_EVERY == 0:
        forget(store, at)


def forget(store: Store, now: float) -> None:
    """Drops what is older than 30 days, with its deliveries."""
    old = "SELECT id FROM events WHERE created <= ?"
    store.execute(f"DELETE FROM deliveries WHERE event_id IN ({old})", (int(now) - KEPT_SECONDS,))  # noqa: S608
    store.execute("DELETE FROM events WHERE created <= ?", (int(now) - KEPT_SECONDS,))
