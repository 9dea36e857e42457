"""Nonces: what a page, or the gateway itself, hands out for a payment method; good once, for three hours."""

import secrets
import uuid

from sandbox.braintree import errors
from sandbox.braintree.errors import Invalid
from sandbox.braintree.store import METHOD, NONCE, Body, Store

NONCE_SECONDS = 3 * 3600
PAYPAL, ONE_TIME, CARD, VAULTED = "paypal_agreement", "paypal_one_time", "card", "vaulted"
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


def make(store: Store, given: Body, at: float) -> str:
    """A nonce as a page would make it: `type` and `email` of a payer, or the `number` of a card."""
    nonce = f"tokencc_{secrets.token_hex(12)}" if given.get("type") == CARD else str(uuid.uuid4())
    store.put(NONCE, nonce, {"type": PAYPAL, **given, "made": at})
    return nonce


def of_method(store: Store, token: str, at: float) -> Body:
    """A nonce of a method that the vault has, as the gateway answers it. Raises Refusal (404)."""
    if store.find(METHOD, token) is None:
        raise errors.Refusal(404)
    return shown(store, make(store, {"type": VAULTED, "token": token}, at))


def shown(store: Store, nonce: str) -> Body:
    """What the gateway tells of a nonce: never the token behind it. Raises Refusal (404)."""
    known = TEST_NONCES.get(nonce) or store.find(NONCE, nonce)
    if known is None:
        raise errors.Refusal(404)
    behind = (store.find(METHOD, known["token"]) or {}) if known["type"] == VAULTED else known
    card = behind.get("kind") == "credit_card" or known["type"] == CARD
    number = str(behind.get("number", ""))
    details = (
        {"bin": behind.get("bin") or number[:6], "last_four": behind.get("last_4") or number[-4:]}
        if card
        else {"payer_info": {"email": behind.get("email")}}
    )
    return {
        "nonce": nonce,
        "type": "CreditCard" if card else "PayPalAccount",
        "details": details,
        "default": bool(behind.get("default")),
        "consumed": bool(known.get("used")),
        "three_d_secure_info": None,
    }


def spent(store: Store, nonce: str, at: float, *, unknown: Invalid, consumed: Invalid) -> Body:
    """What the nonce stands for; it can't be used again. Raises one of the two errors given."""
    known = TEST_NONCES.get(nonce) or store.find(NONCE, nonce)
    if known is None or at - known.get("made", at) > NONCE_SECONDS:
        raise unknown
    if known.get("used"):
        raise consumed
    if nonce not in TEST_NONCES:
        store.put(NONCE, nonce, {**known, "used": True})
    return known
