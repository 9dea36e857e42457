"""The vault: customers, nonces that are used once, and what is kept of them under a token."""

import base64
import hashlib
import json
import secrets
from datetime import UTC, datetime
from typing import Any

from sandbox.braintree import errors
from sandbox.braintree.store import Body, Store

CUSTOMER, METHOD, NONCE = "customer", "payment_method", "nonce"
LOGO = "https://assets.braintreegateway.com/payment_method_logo/{name}.png?environment=sandbox"
NONCE_SECONDS = 3 * 3600
PAYPAL, ONE_TIME, CARD = "paypal_agreement", "paypal_one_time", "card"
TEST_NONCES: dict[str, Body] = {
    "fake-paypal-billing-agreement-nonce": {"type": PAYPAL, "email": "jane.doe@paypal.com"},
    "fake-paypal-future-nonce": {"type": PAYPAL, "email": "jane.doe@paypal.com"},
    "fake-paypal-one-time-nonce": {"type": ONE_TIME, "email": "jane.doe@paypal.com"},
    "fake-valid-nonce": {"type": CARD, "number": "4012888888881881"},
    "fake-valid-visa-nonce": {"type": CARD, "number": "4012888888881881"},
    "fake-valid-mastercard-nonce": {"type": CARD, "number": "5555555555554444"},
    "fake-valid-discover-nonce": {"type": CARD, "number": "6011111111111117"},
    "fake-processor-declined-visa-nonce": {"type": CARD, "number": "4000111111111115", "declined": "2000"},
    "fake-consumed-nonce": {"type": PAYPAL, "used": True},
}
"""developer.paypal.com/braintree/docs/reference/general/testing: these may be used any number of times."""


def moment(at: float) -> str:
    """A time as the gateway writes it."""
    return f"{datetime.fromtimestamp(int(at), UTC):%Y-%m-%dT%H:%M:%SZ}"


def create_customer(store: Store, given: Body, at: float) -> Body:
    """A new customer. Raises Invalid when its id is taken."""
    id_ = str(given.get("id") or secrets.randbelow(10**9))
    if store.find(CUSTOMER, id_) is not None:
        raise errors.id_in_use()
    named = ("first_name", "last_name", "company", "email", "phone", "fax", "website")
    body = {
        "id": id_,
        "merchant_id": "sandbox",
        **{name: given.get(name) or None for name in named},
        "created_at": moment(at),
        "updated_at": moment(at),
        "custom_fields": "",
        "global_id": _global("customer", id_),
    }
    store.put(CUSTOMER, id_, body)
    store.record("customer.created", id_)
    return shown_customer(store, body)


def update_customer(store: Store, id_: str, given: Body, at: float) -> Body:
    """The customer with other fields. Raises Refusal (404)."""
    body = _customer(store, id_)
    named = ("first_name", "last_name", "company", "email", "phone", "fax", "website")
    body |= {name: given[name] or None for name in named if name in given}
    body["updated_at"] = moment(at)
    store.put(CUSTOMER, id_, body)
    return shown_customer(store, body)


def delete_customer(store: Store, id_: str) -> None:
    """The customer is gone with its methods. Raises Refusal (404)."""
    _customer(store, id_)
    for method in store.all(METHOD, owner=id_):
        store.drop(METHOD, method["token"])
    store.drop(CUSTOMER, id_)
    store.record("customer.deleted", id_)


def find_customer(store: Store, id_: str) -> Body:
    """The customer with its methods. Raises Refusal (404)."""
    return shown_customer(store, _customer(store, id_))


def shown_customer(store: Store, body: Body) -> Body:
    """A customer as the gateway shows it."""
    methods = [shown(one) for one in store.all(METHOD, owner=body["id"])]
    kinds: dict[str, list[Body]] = {"credit_cards": [], "paypal_accounts": []}
    for name, method in methods:
        kinds[f"{name}s"].append(method)
    if not kinds["paypal_accounts"]:
        del kinds["paypal_accounts"]
    return {**body, "credit_cards": kinds.pop("credit_cards"), **kinds, "addresses": []}


def make_nonce(store: Store, given: Body, at: float) -> str:
    """A nonce as a page would make it: `type` and `email` of a payer, or the `number` of a card."""
    nonce = f"tokencc_{secrets.token_hex(12)}" if given.get("type") == CARD else secrets.token_hex(18)
    store.put(NONCE, nonce, {"type": PAYPAL, **given, "made": at})
    return nonce


def create_method(store: Store, given: Body, at: float) -> tuple[str, Body]:
    """What a nonce stands for, kept under a token. Raises Invalid or Declined; then the nonce stays good."""
    customer_id, options = str(given.get("customer_id") or ""), given.get("options") or {}
    if store.find(CUSTOMER, customer_id) is None:
        raise errors.customer_invalid()
    token = str(given.get("token") or secrets.token_hex(4))
    if store.find(METHOD, token) is not None:
        raise errors.token_in_use()
    meant = _consumed(store, str(given.get("payment_method_nonce") or ""), at)
    body = _card(meant, token, at) if meant["type"] == CARD else _paypal(meant, token, at)
    first = not store.all(METHOD, owner=customer_id)
    body |= {"customer_id": customer_id, "default": False, "device_data": bool(given.get("device_data"))}
    store.put(METHOD, token, body, owner=customer_id)
    store.record("payment_method.created", token)
    if first or options.get("make_default"):
        body = make_default(store, body)
    return shown(body)


def update_method(store: Store, token: str, given: Body, at: float) -> tuple[str, Body]:
    """The method as the default, or under another date. Raises Refusal (404)."""
    body = _method(store, token)
    body["updated_at"] = moment(at)
    if (given.get("options") or {}).get("make_default"):
        body = make_default(store, body)
    store.put(METHOD, token, body, owner=body["customer_id"])
    store.record("payment_method.updated", token)
    return shown(body)


def make_default(store: Store, body: Body) -> Body:
    """The method as its customer's default, and no other."""
    for other in store.all(METHOD, owner=body["customer_id"]):
        store.put(
            METHOD,
            other["token"],
            {**other, "default": other["token"] == body["token"]},
            owner=body["customer_id"],
        )
    return {**body, "default": True}


def find_method(store: Store, token: str) -> tuple[str, Body]:
    """The method by its token. Raises Refusal (404)."""
    return shown(_method(store, token))


def delete_method(store: Store, token: str) -> None:
    """The method is gone; another of its customer's becomes the default. Raises Refusal (404)."""
    body = _method(store, token)
    store.drop(METHOD, token)
    store.record("payment_method.deleted", token)
    rest = store.all(METHOD, owner=body["customer_id"])
    if body["default"] and rest:
        make_default(store, rest[0])


def revoke(store: Store, token: str, at: float) -> Body:
    """The payer took the agreement back at PayPal: it stays in the vault and can't be charged."""
    body = _method(store, token)
    if body["kind"] != "paypal_account":
        raise ValueError("only an agreement of PayPal can be revoked by its payer")
    body |= {"revoked_at": moment(at), "updated_at": moment(at)}
    store.put(METHOD, token, body, owner=body["customer_id"])
    return body


def shown(body: Body) -> tuple[str, Body]:
    """The name of a method's element and what the gateway shows of it."""
    return body["kind"], {name: value for name, value in body.items() if name not in ("kind", "device_data")}


def _consumed(store: Store, nonce: str, at: float) -> Body:
    """What the nonce stands for; it can't be used again."""
    known = TEST_NONCES.get(nonce) or store.find(NONCE, nonce)
    if known is None or at - known.get("made", at) > NONCE_SECONDS:
        raise errors.nonce_unknown()
    if known.get("used"):
        raise errors.nonce_consumed()
    if known["type"] == ONE_TIME:
        raise errors.one_time()
    if code := known.get("declined"):
        raise errors.Declined(code, "Do Not Honor")
    if nonce not in TEST_NONCES:
        store.put(NONCE, nonce, {**known, "used": True})
    return known


def _paypal(meant: Body, token: str, at: float) -> Body:
    address = {
        "line1": "4th Floor, One Lagoon Drive",
        "line2": "Unit #34",
        "city": "Redwood City",
        "state": "CA",
        "phone": "1231231234",
        "postal_code": "94065",
        "country_code": "US",
    }
    payer = {
        "email": meant.get("email") or "fake-payer-info@example.com",
        "first_name": "John",
        "last_name": "Doe",
        "payer_id": "payer-id",
        "phone": "1231231234",
        "billing_address": address,
        "shipping_address": {"recipient_name": "John Doe", **address},
    }
    return {
        "kind": "paypal_account",
        "billing_agreement_id": f"B-{secrets.token_hex(8).upper()}",
        "cobranded_card_label": None,
        "created_at": moment(at),
        "customer_global_id": None,
        "email": meant.get("email") or "jane.doe@paypal.com",
        "global_id": _global("paymentmethod_pp", token),
        "image_url": LOGO.format(name="paypal"),
        "subscriptions": [],
        "token": token,
        "updated_at": moment(at),
        "is_channel_initiated": False,
        "payer_id": "payer-id",
        "payer_info": payer,
        "limited_use_order_id": None,
        "revoked_at": None,
    }


def _card(meant: Body, token: str, at: float) -> Body:
    number = str(meant["number"])
    brand = {"5": "MasterCard", "6": "Discover"}.get(number[0], "Visa")
    return {
        "kind": "credit_card",
        "billing_address": _address(at),
        "bin": number[:6],
        "card_type": brand,
        "cardholder_name": None,
        "created_at": moment(at),
        "expiration_month": "12",
        "expiration_year": str(datetime.fromtimestamp(at, UTC).year + 4),
        "expired": False,
        "global_id": _global("paymentmethod_cc", token),
        "image_url": LOGO.format(name=brand.lower()),
        "last_4": number[-4:],
        **dict.fromkeys(_UNKNOWN, "Unknown"),
        "customer_global_id": None,
        "customer_location": "US",
        "venmo_sdk": False,
        "is_network_tokenized": False,
        "verifications": [],
        "subscriptions": [],
        "token": token,
        "unique_number_identifier": hashlib.sha256(number.encode()).hexdigest()[:32],
        "updated_at": moment(at),
    }


_UNKNOWN = (
    *("commercial", "country_of_issuance", "debit", "durbin_regulated", "healthcare", "issuing_bank"),
    *("payroll", "prepaid", "product_id"),
)


def _address(at: float) -> Body:
    unset = (
        *("first_name", "last_name", "company", "street_address", "extended_address", "locality", "region"),
        *(
            "country_code_alpha2",
            "country_code_alpha3",
            "country_code_numeric",
            "country_name",
            "phone_number",
        ),
    )
    return {
        "id": secrets.token_hex(1),
        "customer_id": None,
        **dict.fromkeys(unset),
        "postal_code": "94107",
        "created_at": moment(at),
        "updated_at": moment(at),
    }


def _customer(store: Store, id_: str) -> Body:
    found = store.find(CUSTOMER, id_)
    if found is None:
        raise errors.Refusal(404)
    return found


def _method(store: Store, token: str) -> Body:
    found = store.find(METHOD, token)
    if found is None:
        raise errors.Refusal(404)
    return found


def _global(kind: str, id_: str) -> str:
    return base64.b64encode(f"{kind}_{id_}".encode()).decode().rstrip("=")


def client_token(given: Body, merchant: str) -> dict[str, Any]:
    """What a page starts Braintree's element with."""
    token = {
        "version": int(given.get("version") or 2),
        "authorizationFingerprint": secrets.token_hex(32),
        "configUrl": f"/merchants/{merchant}/client_api/v1/configuration",
        "environment": "sandbox",
        "merchantId": merchant,
        "paypalEnabled": True,
        "customerId": given.get("customer_id"),
    }
    text = json.dumps(token)
    return {"value": text if token["version"] == 1 else base64.b64encode(text.encode()).decode()}
