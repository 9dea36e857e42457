"""Tax ids of a customer: created, retrieved, listed, deleted; never changed."""

from typing import Any

import orjson

from sandbox.stripe import lists, objects, params, tax_id_formats
from sandbox.stripe.endpoint import EXPAND, Call, Endpoint
from sandbox.stripe.errors import ApiError, no_such
from sandbox.stripe.ids import new_id
from sandbox.stripe.objects import Body
from sandbox.stripe.store import Store

KIND = "tax_id"
FIELDS: params.Schema = {"type": params.choice(*tax_id_formats.TYPES), "value": params.text()}
REQUIRED = ("type", "value")


def checked(given: dict[str, Any]) -> dict[str, Any]:
    """A value with the form of its type. Raises ApiError `tax_id_invalid`: that is found while executing."""
    if not tax_id_formats.well_formed(given["type"], given["value"]):
        message = f"Invalid value for {given['type']}."
        raise ApiError(400, message, code="tax_id_invalid", param="value", executed=True)
    return given


def insert(store: Store, customer: str, given: dict[str, Any], at: float) -> Body:
    """A new tax id of a customer from a checked type and value."""
    type_, value = given["type"], given["value"]
    body = {
        "id": new_id("txi", 24),
        "object": KIND,
        "country": tax_id_formats.country(type_, value),
        "created": int(at),
        "customer": customer,
        "customer_account": None,
        "livemode": False,
        "owner": {"customer": customer, "customer_account": None, "type": "customer"},
        "type": type_,
        "value": value,
        "verification": tax_id_formats.verification(type_),
    }
    objects.insert(store, body, at, parent=customer)
    return body


def included(store: Store, customer: str) -> dict[str, Any]:
    """The list that `expand[]=tax_ids` puts into a customer."""
    return lists.page(store, KIND, {}, url=f"/v1/customers/{customer}/tax_ids", parent=customer)


def _create(call: Call) -> Body:
    customer = _customer(call)
    return insert(call.store, customer, checked(call.given), call.at)


def _retrieve(call: Call) -> Any:
    return orjson.Fragment(_tax_id(call).raw)


def _list(call: Call) -> dict[str, Any]:
    customer = _customer(call)
    url = f"/v1/customers/{customer}/tax_ids"
    return lists.page(call.store, KIND, call.given, url=url, parent=customer)


def _delete(call: Call) -> Body:
    return objects.delete(call.store, _tax_id(call).body, call.at)


def _customer(call: Call) -> str:
    found = objects.find(call.store, "customer", call.ids[0])
    if found is None or found.deleted:
        raise no_such("customer", call.ids[0], param="customer")
    return call.ids[0]


def _tax_id(call: Call) -> objects.Stored:
    customer, id_ = _customer(call), call.ids[1]
    found = objects.find(call.store, KIND, id_)
    if found is None or found.deleted or found.body["customer"] != customer:
        raise no_such(KIND, id_)
    return found


_MANY, _ONE = "/v1/customers/{customer}/tax_ids", "/v1/customers/{customer}/tax_ids/{id}"
ENDPOINTS = [
    Endpoint("POST", _MANY, _create, {**FIELDS, **EXPAND}, REQUIRED),
    Endpoint("GET", _MANY, _list, lists.PAGING, listed=True),
    Endpoint("GET", _ONE, _retrieve),
    Endpoint("DELETE", _ONE, _delete, {}),
]
