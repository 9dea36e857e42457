"""The vault: payment methods under their tokens, each below one customer."""

import secrets
from hashlib import sha256

from sandbox.braintree import agreements, errors, instruments, nonces
from sandbox.braintree.spelling import moment
from sandbox.braintree.store import CUSTOMER, METHOD, Body, Store

Element = tuple[str, Body]
"""The name of a method's element, and what the gateway shows of it."""


def create_method(store: Store, given: Body, at: float) -> Element:
    """What a nonce stands for, kept under a token. Raises Invalid or Declined; then the nonce stays good.

    A nonce of a method that is vaulted already gives that method, and only to its own customer: by it nothing
    can be moved to another customer or another token.
    """
    customer_id, options = str(given.get("customer_id") or ""), given.get("options") or {}
    if store.find(CUSTOMER, customer_id) is None:
        raise errors.customer_invalid()
    token = str(given.get("token") or secrets.token_hex(4))
    if store.find(METHOD, token) is not None:
        raise errors.token_in_use()
    meant = _meant(store, given, at)
    if meant["type"] == nonces.VAULTED:
        return _again(store, meant["token"], customer_id, options)
    kept = instruments.card if meant["type"] == nonces.CARD else instruments.paypal
    body = kept(meant, token, at) | {"device_data": bool(given.get("device_data"))}
    body = place(store, body, customer_id)
    store.record("payment_method.created", token)
    return shown(make_default(store, body) if options.get("make_default") else body)


def place(store: Store, body: Body, customer_id: str) -> Body:
    """Puts a method below its customer, in the place of one with its token; the first one there is the default."""
    others = [one for one in store.all(METHOD, owner=customer_id) if one["token"] != body["token"]]
    default = not any(one["default"] for one in others)
    placed: Body = {"device_data": False, **body, "customer_id": customer_id, "default": default}
    store.put(METHOD, body["token"], placed, owner=customer_id)
    return placed


def update_method(store: Store, token: str, given: Body, at: float) -> Element:
    """The method as the default, or under another `token`. Raises Refusal (404) or Invalid."""
    body, new = _method(store, token), str(given.get("token") or token)
    if new != token:
        if store.find(METHOD, new) is not None:
            raise errors.token_in_use()
        store.rename(METHOD, token, new)
    body |= {"token": new, "updated_at": moment(at)}
    store.put(METHOD, new, body, owner=body["customer_id"])
    if (given.get("options") or {}).get("make_default"):
        body = make_default(store, body)
    store.record("payment_method.updated", new)
    return shown(body)


def make_default(store: Store, body: Body) -> Body:
    """The method as its customer's default, and no other."""
    for other in store.all(METHOD, owner=body["customer_id"]):
        chosen = {**other, "default": other["token"] == body["token"]}
        store.put(METHOD, other["token"], chosen, owner=body["customer_id"])
    return {**body, "default": True}


def find_method(store: Store, token: str) -> Element:
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


def revoke(store: Store, token: str, at: float, *, silently: bool = False) -> list[Body]:
    """The payer took the agreement back at PayPal: every method that stands on it, and can't be charged now.

    Braintree writes that down, unless `silently`: then only PayPal knows, until a charge is refused with 2070.
    """
    agreement_id = agreement_of(_method(store, token))
    agreements.refuse(store, agreement_id, agreements.REVOKED)
    if silently:
        return []
    told = [one for one in store.all(METHOD) if one.get("billing_agreement_id") == agreement_id]
    for body in told:
        body |= {"revoked_at": moment(at), "updated_at": moment(at)}
        store.put(METHOD, body["token"], body, owner=body["customer_id"])
    return told


def refuse(store: Store, token: str, code: str | None) -> None:
    """PayPal refuses charges by this method's agreement with a code, or pays again (None). Raises ValueError."""
    agreements.refuse(store, agreement_of(_method(store, token)), code)


def agreement_of(body: Body) -> str:
    """The agreement behind a method. Raises ValueError when there is none that a payer could take back."""
    agreement_id: str | None = body.get("billing_agreement_id")
    if agreement_id is None:
        raise ValueError("no agreement of PayPal stands behind this method")
    return agreement_id


def shown(body: Body) -> Element:
    """A method as the gateway shows it."""
    return body["kind"], {name: value for name, value in body.items() if name not in ("kind", "device_data")}


def _meant(store: Store, given: Body, at: float) -> Body:
    """What the request wants kept. Raises Invalid or Declined."""
    if refresh := given.get("paypal_refresh_token"):
        agreement_id = f"B-{sha256(str(refresh).encode()).hexdigest()[:16].upper()}"
        return {"type": nonces.PAYPAL, "billing_agreement_id": agreement_id}
    nonce = str(given.get("payment_method_nonce") or "")
    unknown, consumed = errors.nonce_unknown(), errors.nonce_consumed()
    meant = nonces.spent(store, nonce, at, unknown=unknown, consumed=consumed)
    if meant["type"] == nonces.ONE_TIME:
        raise errors.one_time()
    if code := meant.get("declined"):
        raise errors.Declined(code)
    return meant


def _again(store: Store, token: str, customer_id: str, options: Body) -> Element:
    body = store.find(METHOD, token)
    if body is None:
        raise errors.nonce_unknown()
    if body["customer_id"] != customer_id:
        raise errors.belongs_to_another()
    return shown(make_default(store, body) if options.get("make_default") else body)


def _method(store: Store, token: str) -> Body:
    found = store.find(METHOD, token)
    if found is None:
        raise errors.Refusal(404)
    return found
