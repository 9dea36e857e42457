"""Notifications on their way: what waits, what was taken, and the plan by which some come late, twice or never."""

from typing import Any

from sandbox.braintree.store import Body, Store
from sandbox.stripe import delivery_plan
from sandbox.stripe.delivery_plan import Plan

SETTING, PLAN = "setting", "delivery_plan"
NAMES = ("seq", "kind", "tries", "state")
TOGETHER = 0.001
"""What is held back to one moment and shuffled comes out within so many seconds, in the order of the draw."""


def plan(store: Store) -> Plan:
    """The plan as it was set last, over restarts too."""
    kept = store.find(SETTING, PLAN)
    return _made(kept) if kept else Plan()


def set_plan(store: Store, given: Body) -> Body:
    """Sets `rules` and `seed` for notifications from now on; as the double of Stripe has them. Raises ValueError."""
    if unknown := set(given) - {"rules", "seed"}:
        raise ValueError(f"unknown: {', '.join(sorted(unknown))}; there is rules, seed")
    kept = {**given, "since": _last(store)}
    shown = _shown(_made(kept))
    store.put(SETTING, PLAN, {**shown, "since": kept["since"]})
    return shown


def shown_plan(store: Store) -> Body:
    """The plan as the control API tells it."""
    return _shown(plan(store))


def put(store: Store, *, kind: str, signature: str, payload: str, at: float) -> None:
    """A new notification with the fate that the plan has for it, in the open transaction."""
    for copy in plan(store).copies(kind, at, "0", _last(store) + 1):
        state = "due" if copy.state == "pending" else copy.state
        store.execute(
            "INSERT INTO deliveries (kind, signature, payload, due, state) VALUES (?, ?, ?, ?, ?)",
            (kind, signature, payload, copy.due + copy.rank * TOGETHER, state),
        )


def due(store: Store, now: float, most: int) -> list[tuple[int, str, str, int]]:
    """What is to be sent now, in order: number, signature, payload, tries before."""
    return store.execute(
        "SELECT seq, signature, payload, tries FROM deliveries WHERE state = 'due' AND due <= ? "
        "ORDER BY due, seq LIMIT ?",
        (now, most),
    ).fetchall()


def tried(store: Store, seq: int, *, state: str, tries: int, due: float) -> None:
    """What became of one attempt."""
    store.execute(
        "UPDATE deliveries SET state = ?, tries = ?, due = ? WHERE seq = ?", (state, tries, due, seq)
    )


def resend(store: Store, seq: int, now: float) -> None:
    """Sends a notification once more, whatever became of it."""
    tried(store, seq, state="due", tries=0, due=now)


def recent(store: Store, most: int = 100) -> list[Body]:
    """The last notifications, newest first."""
    rows = store.execute(f"SELECT {', '.join(NAMES)} FROM deliveries ORDER BY seq DESC LIMIT ?", (most,))  # noqa: S608
    return [dict(zip(NAMES, row, strict=True)) for row in rows]


def _made(kept: Body) -> Plan:
    given = {name: value for name, value in kept.items() if name != "since"}
    return delivery_plan.made(given, since=kept["since"])


def _shown(found: Plan) -> dict[str, Any]:
    told = found.shown()
    return {"rules": [dict(one) for one in told["rules"]], "seed": told["seed"]}


def _last(store: Store) -> int:
    return int(store.execute("SELECT coalesce(max(seq), 0) FROM deliveries").fetchone()[0])
