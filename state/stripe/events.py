"""Stripe's events of the last 30 days: what happened, whether its webhook came or not."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from state.stripe.answers import Answer
from state.stripe.client import Caller, all_pages, each, paged
from state.stripe.references import reference

LIST: Final = "GET /v1/events"
KEPT_DAYS: Final = 30
"""How long Stripe keeps them (docs.stripe.com/api/events)."""
TYPES: Final = (
    "customer.created",
    "customer.updated",
    "customer.deleted",
    "customer.tax_id.created",
    "customer.tax_id.deleted",
    "customer.subscription.created",
    "customer.subscription.updated",
    "customer.subscription.deleted",
    "customer.subscription.paused",
    "customer.subscription.resumed",
    "payment_method.attached",
    "payment_method.detached",
    "payment_method.updated",
    "payment_method.automatically_updated",
)
"""Those that concern an account: a list takes up to 20 types."""


@dataclass(frozen=True, slots=True)
class Event:
    """An event with the object as it was then; `customer_id` is whose it is, or was until then."""

    id: str
    type: str
    at: datetime
    customer_id: str | None
    body: Mapping[str, Any]


async def listed(
    ask: Caller, *, since: datetime, until: datetime, after: str | None = None
) -> Answer[tuple[Event, ...]]:
    """A page of up to 100 events of `since` <= time < `until`, newest first, behind the id `after`."""
    created = {"gte": int(since.timestamp()), "lt": int(until.timestamp())}
    params = paged({"created": created, "types": list(TYPES)}, after)
    return await ask.call(LIST, lambda sdk: sdk.v1.events.list_async(params), each(event))


def between(ask: Caller, since: datetime, until: datetime) -> AsyncIterator[Answer[tuple[Event, ...]]]:
    """Every page of events of a time; ends with the first answer that is not `Done`."""
    return all_pages(lambda after: listed(ask, since=since, until=until, after=after))


def event(body: Mapping[str, Any]) -> Event:
    """The value of an event object."""
    data = body["data"]
    shown = data["object"]
    before = (data.get("previous_attributes") or {}).get("customer")
    owner = shown["id"] if shown.get("object") == "customer" else reference(shown.get("customer")) or before
    return Event(body["id"], body["type"], datetime.fromtimestamp(body["created"], UTC), owner, shown)
