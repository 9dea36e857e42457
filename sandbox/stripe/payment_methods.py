"""Payment methods: made from test cards and accounts, attached once, detached for good.

Source: docs.stripe.com/api/payment_methods.
"""

import hashlib
from datetime import UTC, datetime
from typing import Any

import orjson

from sandbox.stripe import events, lists, metadata, objects, params, test_cards
from sandbox.stripe.endpoint import EXPAND, Call, Endpoint
from sandbox.stripe.errors import ApiError, invalid, no_such
from sandbox.stripe.ids import new_id
from sandbox.stripe.objects import Body
from sandbox.stripe.params import text
from sandbox.stripe.store import Store
from sandbox.stripe.test_cards import TestCard

KIND = "payment_method"
TYPES = ("card", "us_bank_account", "sepa_debit", "cashapp", "link")
OF_CUSTOMER = "json_extract(CAST(body AS TEXT), '$.customer') = ?"
_OF_TYPE = "json_extract(CAST(body AS TEXT), '$.type') = ?"
_ADDRESS: params.Schema = dict.fromkeys(("city", "country", "line1", "line2", "postal_code", "state"), text())
_BILLING: params.Schema = {
    "address": params.table(_ADDRESS),
    "email": params.email,
    "name": text(),
    "phone": text(),
    "tax_id": text(),
}
_EXPIRY: params.Schema = {"exp_month": params.integer, "exp_year": params.integer}
_CARD: params.Schema = {**_EXPIRY, "number": text(), "cvc": text(), "token": text()}
_ACCOUNT: params.Schema = dict.fromkeys(
    ("account_holder_type", "account_number", "account_type", "routing_number"), text()
)
_CREATE: params.Schema = {
    "type": params.choice(*TYPES),
    "card": params.table(_CARD),
    "us_bank_account": params.table(_ACCOUNT),
    "sepa_debit": params.table({"iban": text()}, required=("iban",)),
    "cashapp": params.table({}),
    "link": params.table({}),
    "billing_details": params.table(_BILLING),
    "metadata": metadata.read,
    **EXPAND,
}
_UPDATE: params.Schema = {
    "billing_details": params.table(_BILLING),
    "card": params.table(_EXPIRY),
    "metadata": metadata.read,
    **EXPAND,
}


def named(store: Store, id_: str, at: float, *, param: str = "payment_method") -> Body:
    """The payment method of that id; a fresh one for the name of a test card. Raises ApiError (400)."""
    if card := test_cards.named(id_):
        body = new("card", card_details(card, {}, {}, at), at)
        objects.insert(store, body, at)
        return body
    found = objects.find(store, KIND, id_)
    if found is None or found.deleted:
        raise no_such("PaymentMethod", id_, param=param, status=400)
    return found.body


def attach(store: Store, body: Body, customer: str, at: float) -> Body:
    """The method as the customer's. Raises ApiError for one that is or was somebody's."""
    if body["customer"] == customer:
        return body
    if body["customer"] is not None:
        raise ApiError(
            400, "The payment method you provided has already been attached to a customer.", executed=True
        )
    if body.get("_detached"):
        raise ApiError(
            400,
            "This PaymentMethod was previously used without being attached to a Customer or was detached from a "
            "Customer, and may not be used again.",
            executed=True,
        )
    after = {**body, "customer": customer}
    _save(store, body, after, at, "payment_method.attached")
    return after


def detach(store: Store, body: Body, at: float) -> Body:
    """The method as nobody's, for good; a customer whose default it was has none."""
    customer = objects.find(store, "customer", body["customer"])
    after = {**body, "customer": None, "_detached": True}
    objects.update(store, body, after, at)
    events.emit(
        store,
        at=at,
        type="payment_method.detached",
        body=shown(after),
        previous={"customer": body["customer"]},
    )
    if customer is not None and not customer.deleted:
        _without_default(store, customer.body, body["id"], at)
    return after


def change(
    store: Store, body: Body, given: Body, at: float, *, event: str = "payment_method.updated"
) -> Body:
    """The method with other details; told by this event."""
    after = dict(body)
    if given.get("billing_details"):
        billing = {**body["billing_details"], **given["billing_details"]}
        if given["billing_details"].get("address"):
            billing["address"] = {**body["billing_details"]["address"], **given["billing_details"]["address"]}
        after["billing_details"] = billing
    if given.get("card"):
        after["card"] = {**body["card"], **given["card"]}
    if "metadata" in given:
        after["metadata"] = metadata.merged(body["metadata"], given["metadata"])
    _save(store, body, after, at, event)
    return after


def of_customer(store: Store, customer: str) -> list[Body]:
    """Everything attached to a customer, oldest first."""
    rows = store.execute(
        f"SELECT body FROM objects WHERE kind = ? AND deleted = 0 AND {OF_CUSTOMER} ORDER BY seq",  # noqa: S608
        (KIND, customer),
    )
    return [orjson.loads(row[0]) for row in rows]


def shown(body: Body) -> Body:
    """As Stripe shows it: what the double remembers beside it is left out."""
    return {name: value for name, value in body.items() if not name.startswith("_")}


def new(type_: str, details: Body, at: float, *, billing: Body | None = None) -> Body:
    """A method that is nobody's yet."""
    given = billing or {}
    return {
        "id": new_id("pm", 24),
        "object": KIND,
        "allow_redisplay": "unspecified",
        "billing_details": {
            "address": {**dict.fromkeys(_ADDRESS), **(given.get("address") or {})},
            **{name: given.get(name) for name in ("email", "name", "phone", "tax_id")},
        },
        type_: details,
        "created": int(at),
        "customer": None,
        "customer_account": None,
        "livemode": False,
        "metadata": {},
        "type": type_,
    }


def _save(store: Store, old: Body, body: Body, at: float, event: str) -> None:
    objects.update(store, old, body, at)
    events.emit(
        store,
        at=at,
        type=event,
        body=shown(body),
        previous=None if event.endswith("attached") else shown(old),
    )


def _without_default(store: Store, customer: Body, method_id: str, at: float) -> None:
    if customer["invoice_settings"]["default_payment_method"] != method_id:
        return
    settings = {**customer["invoice_settings"], "default_payment_method": None}
    after = {**customer, "invoice_settings": settings}
    objects.update(store, customer, after, at)
    events.emit(store, at=at, type="customer.updated", body=after, previous=customer)


def _create(call: Call) -> Body:
    given = call.given
    type_ = given.get("type")
    if type_ is None:
        raise invalid("Missing required param: type.", param="type", code="parameter_missing")
    body = new(
        type_,
        _details(type_, given.get(type_) or {}, given.get("billing_details") or {}, call.at),
        call.at,
        billing=given.get("billing_details"),
    )
    body["metadata"] = metadata.merged({}, given.get("metadata") or {})
    objects.insert(call.store, body, call.at)
    return shown(body)


def _details(type_: str, given: Body, billing: Body, at: float) -> Body:
    match type_:
        case "card":
            return card_details(_test_card(given), given, billing, at)
        case "us_bank_account":
            return _us_bank_account(given)
        case "sepa_debit":
            return _sepa_debit(given)
        case "cashapp":
            return {"buyer_id": None, "cashtag": "$testcustomer"}
    return {"email": "link@example.com", "persistent_token": None}


def _test_card(given: Body) -> TestCard:
    if given.get("token"):
        found = test_cards.named(given["token"])
        if found is None:
            raise no_such("token", given["token"], param="card[token]", status=400)
        return found
    number = (given.get("number") or "").replace(" ", "")
    if number not in test_cards.CARDS:
        raise ApiError(
            402, "Your card number is incorrect.", type_="card_error", code="incorrect_number", param="number"
        )
    return test_cards.CARDS[number]


def card_details(card: TestCard, given: Body, billing: Body, at: float) -> Body:
    """What a method shows of a test card that somebody typed or named."""
    year = datetime.fromtimestamp(at, UTC).year
    return {
        "brand": card.brand,
        "checks": _checks(card, given, billing.get("address") or {}),
        "country": card.country,
        "display_brand": card.brand,
        "exp_month": given.get("exp_month", 12),
        "exp_year": given.get("exp_year", year + 4),
        "fingerprint": _fingerprint(card.number),
        "funding": card.funding,
        "generated_from": None,
        "last4": card.number[-4:],
        "networks": {
            "available": [card.beside, card.brand] if card.beside else [card.brand],
            "preferred": None,
        },
        "regulated_status": "unregulated",
        "three_d_secure_usage": {"supported": True},
        "wallet": None,
    }


def _checks(card: TestCard, given: Body, address: Body) -> Body:
    """What was not told is not checked; the names of cards whose check does not pass tell what they need."""
    named = "number" not in given

    def of(word: str, told: object) -> str | None:
        return word if told or (named and word != "pass") else None

    return {
        "address_line1_check": of(card.line1, address.get("line1")),
        "address_postal_code_check": of(card.postal, address.get("postal_code")),
        "cvc_check": card.cvc if named else of(card.cvc, given.get("cvc")),
    }


def card_of(body: Body) -> TestCard | None:
    """The test card behind a method; None for other kinds."""
    if body["type"] != "card":
        return None
    fingerprint = body["card"]["fingerprint"]
    return next(card for card in test_cards.CARDS.values() if _fingerprint(card.number) == fingerprint)


def _us_bank_account(given: Body) -> Body:
    number = given.get("account_number") or "000123456789"
    return {
        "account_holder_type": given.get("account_holder_type") or "individual",
        "account_type": given.get("account_type") or "checking",
        "bank_name": "STRIPE TEST BANK",
        "financial_connections_account": None,
        "fingerprint": _fingerprint(number),
        "last4": number[-4:],
        "networks": {"preferred": "ach", "supported": ["ach"]},
        "routing_number": given.get("routing_number") or "110000000",
        "status_details": {},
    }


_BANK_CODES = {"AT": 5, "BE": 3, "DE": 8, "ES": 4, "FI": 3, "FR": 5, "IE": 4, "LU": 3, "NL": 4, "PT": 4}
"""How long the bank's part of an account number is, behind country and check digits (the registry of ISO 13616)."""


def _sepa_debit(given: Body) -> Body:
    iban = (given.get("iban") or "DE89370400440532013000").replace(" ", "").upper()
    return {
        "bank_code": iban[4 : 4 + _BANK_CODES.get(iban[:2], 0)] or None,
        "branch_code": None,
        "country": iban[:2],
        "fingerprint": _fingerprint(iban),
        "generated_from": {"charge": None, "setup_attempt": None},
        "last4": iban[-4:],
    }


def _fingerprint(number: str) -> str:
    """The same for the same number, and not the number."""
    return hashlib.sha256(number.encode()).hexdigest()[:16]


def _found(call: Call) -> Body:
    found = objects.find(call.store, KIND, call.ids[-1])
    if found is None or found.deleted:
        raise no_such("PaymentMethod", call.ids[-1], param="payment_method")
    return found.body


def _retrieve(call: Call) -> Body:
    return shown(_found(call))


def _update(call: Call) -> Body:
    return shown(change(call.store, _found(call), call.given, call.at))


def _attach(call: Call) -> Body:
    customer = call.given["customer"]
    found = objects.find(call.store, "customer", customer)
    if found is None or found.deleted:
        raise no_such("customer", customer, param="customer", status=400)
    method = named(call.store, call.ids[0], call.at)
    if (card := card_of(method)) and card.declined and not card.authenticates:
        raise declined(card)
    return shown(attach(call.store, method, customer, call.at))


def _detach(call: Call) -> Body:
    body = _found(call)
    if body["customer"] is None:
        message = "The payment method you provided is not attached to a customer so detachment is impossible."
        raise ApiError(400, message, executed=True)
    return shown(detach(call.store, body, call.at))


def declined(card: TestCard, **more: Any) -> ApiError:
    """402: what the card's bank says, as an error of the API."""
    code, exact = card.declined or "card_declined", card.exact or "generic_decline"
    message = test_cards.SENTENCES.get(exact) or test_cards.SENTENCES.get(code) or "Your card was declined."
    return ApiError(
        402, message, type_="card_error", code=code, executed=True, more={"decline_code": exact, **more}
    )


def _list(call: Call) -> dict[str, Any]:
    return _page(call, call.given.get("customer"), "/v1/payment_methods")


def _list_of_customer(call: Call) -> dict[str, Any]:
    return _page(call, call.ids[0], f"/v1/customers/{call.ids[0]}/payment_methods")


def _page(call: Call, customer: str | None, url: str) -> dict[str, Any]:
    where: list[tuple[str, Any]] = [(OF_CUSTOMER, customer or "")]
    if call.given.get("type"):
        where.append((_OF_TYPE, call.given["type"]))
    return lists.page(call.store, KIND, call.given, url=url, where=tuple(where))


def _retrieve_of_customer(call: Call) -> Body:
    body = _found(call)
    if body["customer"] != call.ids[0]:
        raise no_such("PaymentMethod", call.ids[-1], param="payment_method")
    return shown(body)


_MANY, _ONE = "/v1/payment_methods", "/v1/payment_methods/{payment_method}"
_OF = "/v1/customers/{customer}/payment_methods"
_FILTERS: params.Schema = {**lists.PAGING, "type": params.choice(*TYPES)}
ENDPOINTS = [
    Endpoint("POST", _MANY, _create, _CREATE),
    Endpoint("GET", _MANY, _list, {**_FILTERS, "customer": text()}, listed=True),
    Endpoint("GET", _ONE, _retrieve),
    Endpoint("POST", _ONE, _update, _UPDATE),
    Endpoint("POST", _ONE + "/attach", _attach, {"customer": text(), **EXPAND}, ("customer",)),
    Endpoint("POST", _ONE + "/detach", _detach),
    Endpoint("GET", _OF, _list_of_customer, _FILTERS, listed=True),
    Endpoint("GET", _OF + "/{payment_method}", _retrieve_of_customer),
]
