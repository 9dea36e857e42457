"""Filling the vault past the gateway, as years of other hands have left it: any customer, any token, any agreement.

So a drill has what nobody could make in order: agreements below the wrong customer, under tokens not chosen by us,
one agreement kept twice, PayPal accounts that no agreement stands behind.
"""

from typing import Any

from sandbox.braintree import agreements, customers, instruments, nonces, vault
from sandbox.braintree.spelling import seconds
from sandbox.braintree.store import CUSTOMER, Body, Store

MOST = 1000
_CUSTOMER = {"id", "created_at", *customers.NAMED}
_METHOD = {
    *("token", "customer_id", "type", "email", "number", "billing_agreement_id"),
    *("agreement", "default", "created_at"),
}
STATES = ("active", "revoked", "revoked_silently", "unknown")
"""Of an agreement: good, and so is one of which nothing is said; taken back and Braintree knows; only PayPal knows;
PayPal has no such agreement."""


def fill(store: Store, given: Body, at: float) -> Body:
    """Puts `customers` and `payment_methods` in, all or none, up to 1000 at once; what is there is replaced.

    Raises ValueError or TypeError: a sentence about what is wrong.
    """
    if unknown := set(given) - {"customers", "payment_methods"}:
        raise ValueError(f"unknown: {', '.join(sorted(unknown))}; there is customers, payment_methods")
    people, methods = _listed(given, "customers"), _listed(given, "payment_methods")
    if len(people) + len(methods) > MOST:
        raise ValueError(f"at most {MOST} objects at once")
    with store.transaction():
        for one in people:
            _customer(store, one, at)
        for one in methods:
            _method(store, one, at)
    return {"customers": len(people), "payment_methods": len(methods)}


def _customer(store: Store, given: Body, at: float) -> None:
    _check("customer", given, _CUSTOMER, ("id",))
    customers.put(store, given["id"], given, _moment(given, at))


def _method(store: Store, given: Body, at: float) -> None:
    _check("payment_method", given, _METHOD, ("token", "customer_id"))
    if store.find(CUSTOMER, given["customer_id"]) is None:
        raise ValueError(f"no customer {given['customer_id']}: Braintree keeps no method without one")
    made_at = _moment(given, at)
    body = vault.place(store, _body(given, made_at), given["customer_id"])
    if given.get("agreement"):
        _stand(store, body, given["agreement"], made_at)
    if given.get("default"):
        vault.make_default(store, body)


def _body(given: Body, at: float) -> Body:
    match given.get("type", nonces.PAYPAL):
        case nonces.CARD:
            return instruments.card({"number": "4012888888881881", **given}, given["token"], at)
        case nonces.ONE_TIME:
            return instruments.paypal({**given, "billing_agreement_id": None}, given["token"], at)
        case nonces.PAYPAL:
            return instruments.paypal(given, given["token"], at)
    raise ValueError("type is paypal_agreement, paypal_one_time or card")


def _stand(store: Store, body: Body, state: str, at: float) -> None:
    """What PayPal thinks of the agreement from now on, also of other methods that stand on it."""
    match state:
        case "active":
            agreements.refuse(store, vault.agreement_of(body), None)
        case "unknown":
            agreements.refuse(store, vault.agreement_of(body), agreements.NO_SUCH)
        case "revoked" | "revoked_silently":
            vault.revoke(store, body["token"], at, silently=state == "revoked_silently")
        case _:
            raise ValueError(f"agreement is one of {', '.join(STATES)}")


def _listed(given: Body, name: str) -> list[Body]:
    found: Any = given.get(name, [])
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise TypeError(f"{name} are a list of objects")
    return found


def _check(what: str, given: Body, known: set[str], needed: tuple[str, ...]) -> None:
    if unknown := set(given) - known:
        raise ValueError(f"unknown of a {what}: {', '.join(sorted(unknown))}")
    if any(not isinstance(given.get(name), str) or not given[name] for name in needed):
        raise ValueError(f"a {what} needs {' and '.join(needed)}, each a text")


def _moment(given: Body, at: float) -> float:
    return seconds(given["created_at"]) if given.get("created_at") else at
