"""Customers: created, changed, retrieved, listed, searched, deleted."""

import secrets
from typing import Any

import orjson

from sandbox.stripe import (
    events,
    lists,
    metadata,
    objects,
    params,
    payment_methods,
    search,
    subscription_state,
    subscriptions,
    tax_ids,
)
from sandbox.stripe.endpoint import EXPAND, Call, Endpoint
from sandbox.stripe.errors import ApiError, no_such
from sandbox.stripe.ids import new_id
from sandbox.stripe.objects import Body
from sandbox.stripe.params import not_modelled, text
from sandbox.stripe.store import Store

KIND = "customer"
EXPANDABLE = frozenset(
    {"address", "default_source", "discount", "invoice_settings", "shipping", "sources", "subscriptions"}
    | {"tax_ids", "test_clock"}
)
ADDRESS: params.Schema = dict.fromkeys(("city", "country", "line1", "line2", "postal_code", "state"), text())
NO_ADDRESS = dict.fromkeys(ADDRESS)
_SHIPPING: params.Schema = {"address": params.table(ADDRESS), "name": text(), "phone": text()}
_CUSTOM_FIELD = params.table({"name": text(40), "value": text(140)}, required=("name", "value"))
_RENDERING: params.Schema = {
    "amount_tax_display": params.choice("exclude_tax", "include_inclusive_tax"),
    "template": text(),
}
_INVOICES: params.Schema = {
    "custom_fields": params.array(_CUSTOM_FIELD),
    "default_payment_method": text(),
    "footer": text(),
    "rendering_options": params.table(_RENDERING),
}
_CHANGEABLE: params.Schema = {
    "address": params.table(ADDRESS),
    "balance": params.integer,
    "business_name": text(150),
    "description": text(),
    "email": params.email,
    "individual_name": text(150),
    "invoice_prefix": text(12),
    "invoice_settings": params.table(_INVOICES),
    "metadata": metadata.read,
    "name": text(256),
    "next_invoice_sequence": params.integer,
    "phone": text(20),
    "preferred_locales": params.array(text()),
    "shipping": params.table(_SHIPPING, required=("address", "name")),
    "tax_exempt": params.choice("none", "reverse", "exempt"),
    **dict.fromkeys(("cash_balance", "source", "tax", "validate"), not_modelled),
    **EXPAND,
}
_CREATE: params.Schema = {
    **_CHANGEABLE,
    "tax_id_data": params.array(params.table(tax_ids.FIELDS, required=tax_ids.REQUIRED)),
    **dict.fromkeys(("payment_method", "test_clock"), not_modelled),
}
_UPDATE: params.Schema = {**_CHANGEABLE, "default_source": not_modelled}
_FILTERS: params.Schema = {
    **lists.PAGING,
    "created": params.one_or_range,
    "email": text(512),
    "test_clock": not_modelled,
}
_SEARCH: params.Schema = {"query": text(), "limit": params.integer, "page": text(), **EXPAND}


def new(at: float) -> Body:
    """A customer of whom nothing is known yet."""
    return {
        "id": new_id("cus"),
        "object": KIND,
        "address": None,
        "balance": 0,
        "created": int(at),
        "currency": None,
        "customer_account": None,
        "default_source": None,
        "delinquent": False,
        "description": None,
        "discount": None,
        "email": None,
        "invoice_prefix": secrets.token_hex(4).upper(),
        "invoice_settings": {
            "custom_fields": None,
            "default_payment_method": None,
            "footer": None,
            "rendering_options": None,
        },
        "livemode": False,
        "metadata": {},
        "name": None,
        "next_invoice_sequence": 1,
        "phone": None,
        "preferred_locales": [],
        "shipping": None,
        "tax_exempt": "none",
        "test_clock": None,
    }


def changed(body: Body, given: dict[str, Any]) -> Body:
    """The customer after the given parameters.

    Nested tables are merged: what is not sent stays, what is sent empty is null. Whoever wants an address
    replaced sends all six of its fields. Raises ApiError when the metadata would have too many keys.
    """
    after = {**body, **given}
    if "metadata" in given:
        after["metadata"] = metadata.merged(body["metadata"], given["metadata"])
    if given.get("address"):
        after["address"] = {**(body["address"] or NO_ADDRESS), **given["address"]}
    if given.get("shipping"):
        after["shipping"] = _shipping(body["shipping"] or {}, given["shipping"])
    if "invoice_settings" in given:
        settings = {**body["invoice_settings"], **(given["invoice_settings"] or {})}
        after["invoice_settings"] = {**settings, "custom_fields": settings["custom_fields"] or None}
    after["tax_exempt"] = after["tax_exempt"] or "none"
    return after


def remove(store: Store, old: Body, at: float) -> Body:
    """Deletes a customer with its tax ids and subscriptions, and lets its methods go; returns the stub."""
    for subscription in subscription_state.of_customer(store, old["id"]):
        if subscription["status"] not in subscription_state.ENDED:
            subscription_state.end(store, subscription, at, reason="cancellation_requested")
    for method in payment_methods.of_customer(store, old["id"]):
        payment_methods.detach(store, method, at)
    for tax_id in objects.children(store, tax_ids.KIND, old["id"]):
        objects.delete(store, tax_id, at)
    events.emit(store, at=at, type="customer.deleted", body=old)
    return objects.delete(store, old, at)


def _checked(store: Store, body: Body, given: dict[str, Any]) -> None:
    """Raise ApiError unless a new default method is the customer's own."""
    method_id = (given.get("invoice_settings") or {}).get("default_payment_method")
    if not method_id:
        return
    found = objects.find(store, payment_methods.KIND, method_id)
    if found is None or found.deleted or found.body["customer"] != body["id"]:
        raise ApiError(
            400,
            f"No such PaymentMethod: '{method_id}'; It's possible this PaymentMethod exists on one of your connected "
            "accounts, or that it is not attached to this customer.",
            code="resource_missing",
            param="invoice_settings[default_payment_method]",
            executed=True,
        )


def _shipping(old: Body, given: Body) -> Body:
    address = {**(old.get("address") or NO_ADDRESS), **(given["address"] or {})}
    return {"phone": None, **old, **given, "address": address}


def _create(call: Call) -> Body:
    tax_id_data = [tax_ids.checked(one) for one in call.given.pop("tax_id_data", [])]
    body = changed(new(call.at), call.given)
    objects.insert(call.store, body, call.at)
    for one in tax_id_data:
        tax_ids.insert(call.store, body["id"], one, call.at)
    events.emit(call.store, at=call.at, type="customer.created", body=body)
    return _with(call.store, body, call.includes)


def _update(call: Call) -> Body:
    old = _living(call)
    _checked(call.store, old, call.given)
    body = changed(old, call.given)
    objects.update(call.store, old, body, call.at)
    events.emit(call.store, at=call.at, type="customer.updated", body=body, previous=old)
    return _with(call.store, body, call.includes)


def _retrieve(call: Call) -> Any:
    found = objects.find(call.store, KIND, call.ids[0])
    if found is None:
        raise no_such(KIND, call.ids[0])
    if not call.includes or found.deleted:
        return orjson.Fragment(found.raw)
    return _with(call.store, found.body, call.includes)


def _delete(call: Call) -> Body:
    return remove(call.store, _living(call), call.at)


def _list(call: Call) -> dict[str, Any]:
    signs = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
    where = [(f"created {signs[name]} ?", value) for name, value in call.given.get("created", {}).items()]
    if call.given.get("email"):
        where.append(("email = ?", call.given["email"]))
    page = lists.page(call.store, KIND, call.given, url="/v1/customers", where=tuple(where))
    return _all_with(call, page)


def _search(call: Call) -> dict[str, Any]:
    clauses = search.parse(call.given["query"], resource="customers")
    where = search.matching(clauses, call.knows_at)
    page = lists.search_result(call.store, KIND, call.given, url="/v1/customers/search", where=where)
    if "total_count" in call.includes:
        page["total_count"] = lists.total(call.store, KIND, where)
    return _all_with(call, page)


def _living(call: Call) -> Body:
    found = objects.find(call.store, KIND, call.ids[0])
    if found is None or found.deleted:
        raise no_such(KIND, call.ids[0])
    return found.body


def _with(store: Store, body: Body, includes: frozenset[str]) -> Body:
    """The answer's body, with the lists that are only there when asked for; what is not modelled is empty."""
    shown = dict(body)
    if "sources" in includes:
        url = f"/v1/customers/{body['id']}/sources"
        shown["sources"] = {"object": "list", "data": [], "has_more": False, "url": url}
    if "subscriptions" in includes:
        shown["subscriptions"] = subscriptions.included(store, body["id"])
    if "tax_ids" in includes:
        shown["tax_ids"] = tax_ids.included(store, body["id"])
    return shown


def _all_with(call: Call, page: dict[str, Any]) -> dict[str, Any]:
    if call.includes & {"sources", "subscriptions", "tax_ids"}:
        bodies = [orjson.loads(orjson.dumps(one)) for one in page["data"]]
        page["data"] = [_with(call.store, body, call.includes) for body in bodies]
    return page


_MANY, _ONE = "/v1/customers", "/v1/customers/{customer}"
ENDPOINTS = [
    Endpoint("POST", _MANY, _create, _CREATE, expandable=EXPANDABLE),
    Endpoint("GET", _MANY, _list, _FILTERS, expandable=EXPANDABLE, listed=True),
    Endpoint(
        "GET",
        "/v1/customers/search",
        _search,
        _SEARCH,
        ("query",),
        expandable=EXPANDABLE,
        listed=True,
        plain=frozenset({"total_count"}),
    ),
    Endpoint("POST", _ONE, _update, _UPDATE, expandable=EXPANDABLE),
    Endpoint("GET", _ONE, _retrieve, EXPAND, expandable=EXPANDABLE),
    Endpoint("DELETE", _ONE, _delete, {}),
]
