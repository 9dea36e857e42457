"""Stripe's subscriptions: the calls, and an object as the value that the mirror keeps (topics/subscriptions.py)."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from state.stripe.answers import Answer
from state.stripe.client import Caller, all_pages, each, keyed, paged, typed
from state.stripe.odd import ODD, Odd, known, reason
from state.stripe.references import reference
from topics.payment_methods import CollectionMethod
from topics.subscriptions import SubscriptionItem, SubscriptionStatus

RETRIEVE: Final = "GET /v1/subscriptions/{subscription_exposed_id}"
UPDATE: Final = "POST /v1/subscriptions/{subscription_exposed_id}"
LIST: Final = "GET /v1/subscriptions"

REGISTRAR: Final = "registrar"
"""The metadata of a price, an item or a subscription that says, with `true`, that a domain renews with it."""


@dataclass(frozen=True, slots=True)
class Subscription:
    """A subscription as Stripe shows it; `ended_at` is set once it is over. Its items are those it came with."""

    id: str
    customer_id: str
    status: SubscriptionStatus
    collection_method: CollectionMethod
    days_until_due: int | None
    default_payment_method: str | None
    cancel_at_period_end: bool
    items: tuple[SubscriptionItem, ...]
    ended_at: datetime | None


Shown = Subscription | Odd


async def retrieve(ask: Caller, subscription_id: str) -> Answer[Shown]:
    """The subscription, those that were canceled included."""
    return await ask.call(RETRIEVE, lambda sdk: sdk.v1.subscriptions.retrieve_async(subscription_id), shown)


async def collect_by(
    ask: Caller,
    subscription_id: str,
    collection_method: CollectionMethod,
    days: int,
    *,
    unpin: bool = False,
    key: str,
) -> Answer[Shown]:
    """The subscription collected like this from now on; `days` until due are only for invoices that are sent.

    With `unpin` it has no payment method of its own any more and follows the customer's default: Stripe takes an
    empty text for none, though its library does not say so of this field.
    """
    params: dict[str, Any] = {"collection_method": collection_method.value}
    if collection_method is CollectionMethod.SEND_INVOICE:
        params["days_until_due"] = days
    if unpin:
        params["default_payment_method"] = ""
    return await ask.call(
        UPDATE,
        lambda sdk: sdk.v1.subscriptions.update_async(subscription_id, typed(params), keyed(key)),
        shown,
        params,
    )


async def listed(ask: Caller, customer_id: str, *, after: str | None = None) -> Answer[tuple[Shown, ...]]:
    """A page of up to 100 subscriptions of a customer that are not canceled, behind the id `after`."""
    params = paged({"customer": customer_id}, after)
    return await ask.call(LIST, lambda sdk: sdk.v1.subscriptions.list_async(params), each(shown))


async def page(ask: Caller, *, after: str | None = None) -> Answer[tuple[Shown, ...]]:
    """A page of up to 100 of all subscriptions that are not canceled, newest first, behind the id `after`."""
    return await ask.call(LIST, lambda sdk: sdk.v1.subscriptions.list_async(paged({}, after)), each(shown))


def of_customer(ask: Caller, customer_id: str) -> AsyncIterator[Answer[tuple[Shown, ...]]]:
    """Every page of a customer's subscriptions; ends with the first answer that is not `Done`."""
    return all_pages(lambda after: listed(ask, customer_id, after=after))


def shown(body: Mapping[str, Any]) -> Shown:
    """The value of a subscription object, odd or not."""
    try:
        return subscription(body)
    except ODD as error:
        return Odd(body["id"], reference(body.get("customer")) or "", reason(error))


def subscription(body: Mapping[str, Any]) -> Subscription:
    """The value of a subscription object. Raises one of `ODD` for what is not understood."""
    return Subscription(
        id=body["id"],
        customer_id=reference(body["customer"]) or "",
        status=known(SubscriptionStatus, "status", body["status"]),
        collection_method=known(CollectionMethod, "collection_method", body["collection_method"]),
        days_until_due=body.get("days_until_due"),
        default_payment_method=reference(body.get("default_payment_method")),
        cancel_at_period_end=bool(body.get("cancel_at_period_end")),
        items=tuple(_item(one, body) for one in (body.get("items") or {}).get("data", ())),
        ended_at=_moment(body.get("ended_at")),
    )


def _item(item: Mapping[str, Any], whole: Mapping[str, Any]) -> SubscriptionItem:
    """Periods are an item's since version 2025-03-31 of the API, and were the subscription's before."""
    price = item["price"]
    return SubscriptionItem(
        id=item["id"],
        price=price["id"],
        product=reference(price.get("product")),
        quantity=item.get("quantity"),
        unit_amount=price.get("unit_amount"),
        currency=price.get("currency"),
        metered=(price.get("recurring") or {}).get("usage_type") == "metered",
        registrar=any((one.get("metadata") or {}).get(REGISTRAR) == "true" for one in (price, item, whole)),
        period_start=_moment(item.get("current_period_start", whole.get("current_period_start"))),
        period_end=_moment(item.get("current_period_end", whole.get("current_period_end"))),
    )


def _moment(seconds: int | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
