"""Stripe's setup intents: how a method comes to be kept for charges without the customer there."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from state.stripe.answers import Answer, Declined
from state.stripe.client import Caller, all_pages, each, keyed, paged, typed
from state.stripe.declines import declined
from state.stripe.references import reference

CREATE: Final = "POST /v1/setup_intents"
RETRIEVE: Final = "GET /v1/setup_intents/{intent}"
CANCEL: Final = "POST /v1/setup_intents/{intent}/cancel"
LIST: Final = "GET /v1/setup_intents"

SUCCEEDED: Final = "succeeded"
CANCELED: Final = "canceled"
UNMET: Final = "requires_payment_method"
"""Nothing was confirmed yet, or what was confirmed failed: `failure` tells which."""
MICRODEPOSITS: Final = "verify_with_microdeposits"
"""The action of a `NeedsCustomer`: say which small amounts arrived at the bank account, which takes days."""
_MANDATE: Final = {"customer_acceptance": {"type": "offline"}}
"""Kinds other than cards are debited by a mandate, which the customer gave to us and not on a page of Stripe's
(docs.stripe.com/api/setup_intents/create#create_setup_intent-mandate_data)."""


@dataclass(frozen=True, slots=True)
class SetupIntent:
    """A setup intent as Stripe shows it. `failure` is why the last attempt at it failed.

    That it waits for its customer is said by the answer it comes in: `NeedsCustomer`, but for those of a list.
    """

    id: str
    status: str
    customer_id: str | None
    payment_method: str | None
    metadata: Mapping[str, str]
    client_secret: str = field(repr=False)
    failure: Declined | None = None
    created: datetime | None = None


def opened(customer_id: str, metadata: Mapping[str, str]) -> dict[str, Any]:
    """The parameters of an intent that a page collects a method with, of any kind that is switched on."""
    return {
        "customer": customer_id,
        "usage": "off_session",
        "automatic_payment_methods": {"enabled": True},
        "metadata": dict(metadata),
    }


def confirmed(
    customer_id: str, payment_method: str, kind: str, metadata: Mapping[str, str]
) -> dict[str, Any]:
    """The parameters of an intent that attaches this method, of Stripe's type `kind`, if its bank agrees."""
    return {
        "customer": customer_id,
        "usage": "off_session",
        "payment_method": payment_method,
        "payment_method_types": [kind],
        "confirm": True,
        "metadata": dict(metadata),
        **({} if kind == "card" else {"mandate_data": _MANDATE}),
    }


async def create(ask: Caller, params: Mapping[str, Any], *, key: str) -> Answer[SetupIntent]:
    """A new intent. One that was confirmed is `NeedsCustomer` when its bank asks for the customer, and `Declined` when
    it failed; it is there all the same.
    """
    return await ask.call(
        CREATE, lambda sdk: sdk.v1.setup_intents.create_async(typed(params), keyed(key)), setup_intent, params
    )


async def retrieve(ask: Caller, intent_id: str) -> Answer[SetupIntent]:
    """The intent as it is now: `NeedsCustomer` while it waits for its customer."""
    return await ask.call(RETRIEVE, lambda sdk: sdk.v1.setup_intents.retrieve_async(intent_id), setup_intent)


async def cancel(ask: Caller, intent_id: str, *, key: str) -> Answer[SetupIntent]:
    """The intent that is over now. One that succeeded, or is over already, is refused."""
    params = {"cancellation_reason": "abandoned"}
    return await ask.call(
        CANCEL,
        lambda sdk: sdk.v1.setup_intents.cancel_async(intent_id, typed(params), keyed(key)),
        setup_intent,
    )


async def listed(
    ask: Caller, customer_id: str, *, created_from: datetime, after: str | None = None
) -> Answer[tuple[SetupIntent, ...]]:
    """A page of up to 100 intents of a customer made since then, newest first, behind the id `after`."""
    params = paged({"customer": customer_id, "created": {"gte": int(created_from.timestamp())}}, after)
    return await ask.call(LIST, lambda sdk: sdk.v1.setup_intents.list_async(params), each(setup_intent))


def of_customer(
    ask: Caller, customer_id: str, *, created_from: datetime
) -> AsyncIterator[Answer[tuple[SetupIntent, ...]]]:
    """Every page of a customer's intents made since then; ends with the first answer that is not `Done`."""
    return all_pages(lambda after: listed(ask, customer_id, created_from=created_from, after=after))


def setup_intent(body: Mapping[str, Any]) -> SetupIntent:
    """The value of a setup intent object."""
    error, created = body.get("last_setup_error"), body.get("created")
    return SetupIntent(
        id=body["id"],
        status=body["status"],
        customer_id=reference(body.get("customer")),
        payment_method=reference(body.get("payment_method")),
        metadata=dict(body.get("metadata") or {}),
        client_secret=body.get("client_secret") or "",
        failure=declined(error) if error else None,
        created=datetime.fromtimestamp(created, UTC) if created is not None else None,
    )
