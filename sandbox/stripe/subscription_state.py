"""A subscription as it is kept: stored with its alarm, told by an event, ended; whoever changes it does so here."""

from typing import Any

import orjson

from sandbox.stripe import alarms, events, objects
from sandbox.stripe.intervals import following
from sandbox.stripe.objects import Body
from sandbox.stripe.store import Store

KIND = "subscription"
ENDED = ("canceled", "incomplete_expired")
BILLED = ("active", "past_due", "unpaid", "trialing")
INCOMPLETE_SECONDS = 23 * 3600
OF_CUSTOMER = "json_extract(CAST(body AS TEXT), '$.customer') = ?"
STATUS = "json_extract(CAST(body AS TEXT), '$.status')"


def insert(store: Store, body: Body, at: float) -> None:
    """A new subscription, in the open transaction."""
    objects.insert(store, body, at)
    alarms.set_(store, body["id"], next_moment(body))
    events.emit(store, at=at, type="customer.subscription.created", body=body)


def save(store: Store, old: Body, body: Body, at: float) -> None:
    """Its new state; the event is `deleted` when it was canceled by this, else `updated`."""
    objects.update(store, old, body, at)
    alarms.set_(store, body["id"], next_moment(body))
    if body["status"] == "canceled" != old["status"]:
        events.emit(store, at=at, type="customer.subscription.deleted", body=body)
        return
    events.emit(store, at=at, type="customer.subscription.updated", body=body, previous=old)
    if body["status"] == "paused" != old["status"]:
        events.emit(store, at=at, type="customer.subscription.paused", body=body)


def end(store: Store, old: Body, at: float, *, reason: str, details: dict[str, Any] | None = None) -> Body:
    """Cancels it at once."""
    told = {**old["cancellation_details"], **(details or {})}
    body = {
        **old,
        "status": "canceled",
        "canceled_at": old["canceled_at"] or int(at),
        "ended_at": int(at),
        "cancellation_details": {**told, "reason": told["reason"] or reason},
    }
    save(store, old, body, at)
    return body


def of_customer(store: Store, customer_id: str) -> list[Body]:
    """The subscriptions of a customer that have not ended, oldest first."""
    rows = store.execute(
        f"SELECT body FROM objects WHERE kind = ? AND {OF_CUSTOMER} AND deleted = 0 ORDER BY created, seq",  # noqa: S608
        (KIND, customer_id),
    )
    bodies: list[Body] = [orjson.loads(row[0]) for row in rows]
    return [body for body in bodies if body["status"] not in ENDED]


def cancel_all(store: Store, at: float, customer_id: str) -> int:
    """Cancels what a customer has, as deleting the customer does; how many those were."""
    living = of_customer(store, customer_id)
    for body in living:
        end(store, body, at, reason="cancellation_requested")
    return len(living)


def next_moment(body: Body) -> float | None:
    """When time will change it: the end of its period, of its trial, of the wait for its first payment."""
    if body["status"] in ENDED:
        return None
    if body["status"] == "incomplete":
        return float(body["created"] + INCOMPLETE_SECONDS)
    moments = [body["cancel_at"]] if body["cancel_at"] else []
    if body["status"] in BILLED:
        moments.append(period(body)[1])
    return float(min(moments)) if moments else None


def period(body: Body) -> tuple[int, int]:
    """The current period, the same for all items."""
    first = body["items"]["data"][0]
    return first["current_period_start"], first["current_period_end"]


def with_period(body: Body, start: int, end: int) -> Body:
    """The subscription in another period."""
    own = {"current_period_start": start, "current_period_end": end}
    return {**body, "items": {**body["items"], "data": [{**one, **own} for one in body["items"]["data"]]}}


def next_period(body: Body, start: int) -> Body:
    """The subscription in the period that starts then and ends where its anchor says."""
    recurring = body["items"]["data"][0]["price"]["recurring"]
    end = following(start, body["billing_cycle_anchor"], recurring["interval"], recurring["interval_count"])
    return with_period(body, start, end)


def has_payment_method(store: Store, body: Body) -> bool:
    """Whether there is something to charge: of its own, or the customer's default."""
    if body["default_payment_method"] or body["default_source"]:
        return True
    found = objects.find(store, "customer", body["customer"])
    customer = found.body if found and not found.deleted else {}
    default = (customer.get("invoice_settings") or {}).get("default_payment_method")
    return bool(default or customer.get("default_source"))
