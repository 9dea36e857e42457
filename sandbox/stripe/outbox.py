"""The outbox: deliveries of events that wait, were made or were given up, kept over restarts.

A delivery that failed is due again after a time that doubles, for three days of the double's clock
(docs.stripe.com/webhooks#retries).
"""

from dataclasses import dataclass
from typing import Any, TypeAlias

import orjson

from sandbox.stripe import delivery_plan, webhook_endpoints
from sandbox.stripe.delivery_plan import Copy
from sandbox.stripe.store import Store

Row: TypeAlias = dict[str, Any]
TRIED_SECONDS = 3 * 86_400
LONGEST_WAIT = 12 * 3600
STATES = ("pending", "delivered", "failed", "lost", "vanished")
UNDELIVERED = (
    "count(DISTINCT endpoint_id) - count(DISTINCT CASE WHEN state IN ('delivered', 'vanished') "
    "THEN endpoint_id END)"
)


@dataclass(frozen=True, slots=True)
class Due:
    """A delivery to make now; `attempts` were made before, the first of them at `began`."""

    seq: int
    event_id: str
    endpoint_id: str
    attempts: int
    began: float | None


def wanted(store: Store, type: str) -> list[str]:
    """The ids of the enabled endpoints that want events of this type, oldest first."""
    found = webhook_endpoints.living(store)
    enabled = [one for one in found if one["status"] == "enabled"]
    return [one["id"] for one in enabled if {"*", type} & set(one["enabled_events"])]


def put(store: Store, *, seq: int, event_id: str, type: str, at: float, endpoints: list[str]) -> None:
    """The deliveries of a new event to these endpoints, as the plan has it; in the open transaction."""
    if not endpoints:
        return
    plan = delivery_plan.current(store)
    for place, endpoint_id in enumerate(endpoints):
        _insert(store, event_id, endpoint_id, plan.copies(type, at, str(place), seq))


def resend(store: Store, event_id: str, at: float, *, endpoint_id: str | None = None) -> int:
    """Sends an event once more, whatever became of it, past the plan; how many deliveries that makes.

    To one endpoint, or to all that want it. Raises LookupError for an event that is not kept.
    """
    row = store.execute("SELECT type FROM events WHERE id = ?", (event_id,)).fetchone()
    if row is None:
        raise LookupError(f"no event {event_id}")
    endpoints = [endpoint_id] if endpoint_id else wanted(store, row[0])
    for one in endpoints:
        _insert(store, event_id, one, [Copy("pending", at, 0.0)])
    return len(endpoints)


def due(store: Store, now: float, limit: int) -> list[Due]:
    """What is to be sent now, in order."""
    rows = store.execute(
        "SELECT seq, event_id, endpoint_id, attempts, began FROM deliveries "
        "WHERE state = 'pending' AND due <= ? ORDER BY due, rank, seq LIMIT ?",
        (now, limit),
    )
    return [Due(*row) for row in rows]


def next_due(store: Store) -> float | None:
    """When the first pending delivery is due."""
    found: float | None = store.execute("SELECT min(due) FROM deliveries WHERE state = 'pending'").fetchone()[
        0
    ]
    return found


def delivered(store: Store, one: Due, now: float, status: int) -> None:
    """It was answered with 2xx."""
    store.execute(
        "UPDATE deliveries SET state = 'delivered', attempts = ?, began = ?, status = ?, error = NULL, "
        "ended = ? WHERE seq = ?",
        (one.attempts + 1, one.began or now, status, now, one.seq),
    )


def failed(store: Store, one: Due, now: float, *, status: int | None, error: str, first_wait: float) -> None:
    """It was not; it is due again later, or given up when that is too late."""
    began = one.began or now
    again = now + min(first_wait * 2**one.attempts, LONGEST_WAIT)
    over = again > began + TRIED_SECONDS
    store.execute(
        "UPDATE deliveries SET state = ?, due = ?, rank = 0, attempts = ?, began = ?, status = ?, error = ?, "
        "ended = ? WHERE seq = ?",
        ("failed" if over else "pending", again, one.attempts + 1, began, status, error, now, one.seq),
    )


def given_up(store: Store, one: Due, now: float, error: str) -> None:
    """It has nowhere to go: the endpoint is gone or disabled."""
    store.execute(
        "UPDATE deliveries SET state = 'failed', error = ?, ended = ? WHERE seq = ?", (error, now, one.seq)
    )


def hurry(store: Store, now: float) -> None:
    """Whatever waits is due now, in the order in which it would have been."""
    store.execute(
        "UPDATE deliveries SET due = ?, rank = line.place FROM (SELECT seq, row_number() OVER (ORDER BY due, "
        "rank, seq) AS place FROM deliveries WHERE state = 'pending' AND due > ?) AS line "
        "WHERE deliveries.seq = line.seq",
        (now, now),
    )


def counts(store: Store) -> dict[str, int]:
    """Deliveries by state, and how many of the pending wait for a retry."""
    found = dict.fromkeys((*STATES, "retrying"), 0)
    found |= dict(store.execute("SELECT state, count(*) FROM deliveries GROUP BY state").fetchall())
    sql = "SELECT count(*) FROM deliveries WHERE state = 'pending' AND attempts > 0"
    found["retrying"] = store.execute(sql).fetchone()[0]
    return found


def first_tries(store: Store) -> int:
    """How many deliveries were never tried and still wait."""
    sql = "SELECT count(*) FROM deliveries WHERE state = 'pending' AND attempts = 0"
    return int(store.execute(sql).fetchone()[0])


def undelivered(store: Store, event_ids: list[str]) -> dict[str, int]:
    """For each event the number of endpoints that have not got it."""
    rows = store.execute(
        f"SELECT event_id, {UNDELIVERED} FROM deliveries "  # noqa: S608 - our own SQL
        "WHERE event_id IN (SELECT value FROM json_each(?)) GROUP BY event_id",
        (orjson.dumps(event_ids).decode(),),
    )
    return dict(rows.fetchall())


def recent(store: Store, limit: int, *, event_id: str = "", state: str = "") -> list[Row]:
    """The last deliveries, newest first."""
    cursor = store.execute(
        "SELECT deliveries.*, events.type FROM deliveries JOIN events ON events.id = event_id "
        "WHERE (? = '' OR event_id = ?) AND (? = '' OR state = ?) ORDER BY deliveries.seq DESC LIMIT ?",
        (event_id, event_id, state, state, limit),
    )
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor]


def _insert(store: Store, event_id: str, endpoint_id: str, copies: list[Copy]) -> None:
    sql = "SELECT count(*) FROM deliveries WHERE event_id = ? AND endpoint_id = ?"
    before = store.execute(sql, (event_id, endpoint_id)).fetchone()[0]
    store.executemany(
        "INSERT INTO deliveries (event_id, endpoint_id, copy, state, due, rank) VALUES (?, ?, ?, ?, ?, ?)",
        [
            (event_id, endpoint_id, before + number, one.state, one.due, one.rank)
            for number, one in enumerate(copies)
        ],
    )
