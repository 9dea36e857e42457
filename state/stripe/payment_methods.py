"""Stripe's payment methods: the calls, and what an object says of the method in our words (DOMAIN.md 4)."""

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from state.stripe.answers import Answer
from state.stripe.client import Caller, all_pages, each, keyed, paged, typed
from state.stripe.odd import ODD, reason
from state.stripe.references import reference
from topics.payment_methods import MethodDetails, MethodKind, Processor

RETRIEVE: Final = "GET /v1/payment_methods/{payment_method}"
UPDATE: Final = "POST /v1/payment_methods/{payment_method}"
DETACH: Final = "POST /v1/payment_methods/{payment_method}/detach"
LIST: Final = "GET /v1/payment_methods"

TYPES: Final[Mapping[MethodKind, str]] = {
    MethodKind.CREDIT_CARD: "card",
    MethodKind.CASHAPP: "cashapp",
    MethodKind.SEPA_DEBIT: "sepa_debit",
    MethodKind.LINK: "link",
    MethodKind.ACH_DIRECT_DEBIT: "us_bank_account",
}
"""Stripe's name of each kind that it keeps (docs.stripe.com/api/payment_methods/object#payment_method_object-type)."""
_KINDS: Final = {name: kind for kind, name in TYPES.items()}


@dataclass(frozen=True, slots=True)
class Method:
    """A payment method as Stripe shows it. `details` is None for a type that is none of our kinds, and where they are
    not understood: `odd` says why.

    `customer_id` is None before it is attached and after it was detached, which can't be undone.
    """

    id: str
    customer_id: str | None
    details: MethodDetails | None
    odd: str | None = None


async def retrieve(ask: Caller, method_id: str) -> Answer[Method]:
    """The method, be it attached to a customer or not."""
    return await ask.call(RETRIEVE, lambda sdk: sdk.v1.payment_methods.retrieve_async(method_id), method)


async def update(ask: Caller, method_id: str, params: Mapping[str, Any], *, key: str) -> Answer[Method]:
    """The method after a change of its billing details, its metadata or its card's date of expiry."""
    return await ask.call(
        UPDATE,
        lambda sdk: sdk.v1.payment_methods.update_async(method_id, typed(params), keyed(key)),
        method,
        params,
    )


async def detach(ask: Caller, method_id: str, *, key: str) -> Answer[Method]:
    """The method that is nobody's from now on; it can't be used again."""
    return await ask.call(
        DETACH, lambda sdk: sdk.v1.payment_methods.detach_async(method_id, typed({}), keyed(key)), method
    )


async def listed(ask: Caller, customer_id: str, *, after: str | None = None) -> Answer[tuple[Method, ...]]:
    """A page of up to 100 methods of a customer, newest first, behind the id `after`."""
    params = paged({"customer": customer_id}, after)
    return await ask.call(LIST, lambda sdk: sdk.v1.payment_methods.list_async(params), each(method))


def of_customer(ask: Caller, customer_id: str) -> AsyncIterator[Answer[tuple[Method, ...]]]:
    """Every page of a customer's methods; ends with the first answer that is not `Done`."""
    return all_pages(lambda after: listed(ask, customer_id, after=after))


def method(body: Mapping[str, Any]) -> Method:
    """The value of a payment method object."""
    kind, owner = _KINDS.get(body["type"]), reference(body.get("customer"))
    try:
        return Method(body["id"], owner, _details(body, kind) if kind else None)
    except ODD as error:
        return Method(body["id"], owner, None, reason(error))


def _details(body: Mapping[str, Any], kind: MethodKind) -> MethodDetails:
    shown = _SHOWN[kind](body.get(body["type"]) or {})
    created = body.get("created")
    return MethodDetails(
        processor=Processor.STRIPE,
        kind=kind,
        reference=body["id"],
        created_at=datetime.fromtimestamp(created, UTC) if created is not None else None,
        **{name: value or None for name, value in shown.items()},
    )


def _card(card: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "last_four": card.get("last4"),
        "brand": card.get("brand"),
        "wallet": (card.get("wallet") or {}).get("type"),
        "exp_month": card.get("exp_month"),
        "exp_year": card.get("exp_year"),
        "fingerprint": card.get("fingerprint"),
    }


def _sepa_debit(debit: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "last_four": debit.get("last4"),
        "bank_code": debit.get("bank_code"),
        "bank_country": debit.get("country"),
        "fingerprint": debit.get("fingerprint"),
    }


def _us_bank_account(account: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "last_four": account.get("last4"),
        "bank_name": account.get("bank_name"),
        "bank_code": account.get("routing_number"),
        "bank_country": "US",
        "bank_account_type": account.get("account_type"),
        "fingerprint": account.get("fingerprint"),
    }


_SHOWN: Final[Mapping[MethodKind, Callable[[Mapping[str, Any]], dict[str, Any]]]] = {
    MethodKind.CREDIT_CARD: _card,
    MethodKind.SEPA_DEBIT: _sepa_debit,
    MethodKind.ACH_DIRECT_DEBIT: _us_bank_account,
    MethodKind.CASHAPP: lambda cashapp: {"cashtag": cashapp.get("cashtag")},
    MethodKind.LINK: lambda link: {"payer_email": link.get("email")},
}
