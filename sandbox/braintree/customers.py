"""Customers of the vault, under ids that we may choose and change."""

import secrets

from sandbox.braintree import errors, vault
from sandbox.braintree.spelling import global_id, moment
from sandbox.braintree.store import CUSTOMER, METHOD, Body, Store

NAMED = ("first_name", "last_name", "company", "email", "phone", "fax", "website")


def create(store: Store, given: Body, at: float) -> Body:
    """A new customer, with a first method if a nonce is given. Raises Invalid when its id is taken."""
    id_ = str(given.get("id") or secrets.randbelow(10**9))
    if store.find(CUSTOMER, id_) is not None:
        raise errors.id_in_use()
    put(store, id_, given, at)
    store.record("customer.created", id_)
    _vault_nonce(store, id_, given, at)
    return find(store, id_)


def put(store: Store, id_: str, given: Body, at: float) -> None:
    """The customer with these names, as it is from now on."""
    body = {
        "id": id_,
        "merchant_id": "sandbox",
        **{name: given.get(name) or None for name in NAMED},
        "created_at": moment(at),
        "updated_at": moment(at),
        "custom_fields": "",
        "global_id": global_id("customer", id_),
    }
    store.put(CUSTOMER, id_, body)


def update(store: Store, id_: str, given: Body, at: float) -> Body:
    """The customer with other fields, under another `id`, or with one more method. Raises Refusal (404) or Invalid."""
    body, new = _customer(store, id_), str(given.get("id") or id_)
    if new != id_:
        _rename(store, id_, new)
    body |= {name: given[name] or None for name in NAMED if name in given}
    body |= {"id": new, "updated_at": moment(at)}
    store.put(CUSTOMER, new, body)
    store.record("customer.updated", new)
    _vault_nonce(store, new, given, at)
    return find(store, new)


def delete(store: Store, id_: str) -> None:
    """The customer is gone with its methods. Raises Refusal (404)."""
    _customer(store, id_)
    for method in store.all(METHOD, owner=id_):
        store.drop(METHOD, method["token"])
    store.drop(CUSTOMER, id_)
    store.record("customer.deleted", id_)


def find(store: Store, id_: str) -> Body:
    """The customer with its methods. Raises Refusal (404)."""
    return shown(store, _customer(store, id_))


def shown(store: Store, body: Body) -> Body:
    """A customer as the gateway shows it: no list of PayPal accounts when there are none."""
    kinds: dict[str, list[Body]] = {"credit_cards": [], "paypal_accounts": []}
    for name, method in map(vault.shown, store.all(METHOD, owner=body["id"])):
        kinds[f"{name}s"].append(method)
    if not kinds["paypal_accounts"]:
        del kinds["paypal_accounts"]
    return {**body, **kinds, "addresses": []}


def _vault_nonce(store: Store, id_: str, given: Body, at: float) -> None:
    if given.get("payment_method_nonce"):
        wanted = {name: given.get(name) for name in ("payment_method_nonce", "device_data")}
        vault.create_method(store, {**wanted, "customer_id": id_}, at)


def _rename(store: Store, id_: str, new: str) -> None:
    """The customer goes by another id, and its methods with it."""
    if store.find(CUSTOMER, new) is not None:
        raise errors.id_in_use()
    store.rename(CUSTOMER, id_, new)
    for method in store.all(METHOD, owner=id_):
        store.put(METHOD, method["token"], {**method, "customer_id": new}, owner=new)


def _customer(store: Store, id_: str) -> Body:
    found = store.find(CUSTOMER, id_)
    if found is None:
        raise errors.Refusal(404)
    return found
