"""Products: what prices are for. As little of them as subscriptions need."""

from typing import Any

from sandbox.stripe import events, lists, metadata, objects, params
from sandbox.stripe.endpoint import EXPAND, Call, Endpoint
from sandbox.stripe.errors import ApiError, no_such
from sandbox.stripe.ids import new_id
from sandbox.stripe.objects import Body
from sandbox.stripe.params import not_modelled, text
from sandbox.stripe.store import Store

KIND = "product"
FIELDS: params.Schema = {
    "active": params.boolean,
    "id": text(),
    "metadata": metadata.read,
    "name": text(),
    "statement_descriptor": text(22),
    "tax_code": text(),
    "unit_label": text(12),
}
_UNUSED = ("default_price_data", "images", "marketing_features", "package_dimensions", "shippable")
_CREATE: params.Schema = {
    **FIELDS,
    "description": text(40_000),
    "url": text(),
    **dict.fromkeys(_UNUSED, not_modelled),
    **EXPAND,
}
_FILTERS: params.Schema = {
    **lists.PAGING,
    "active": params.boolean,
    "created": params.one_or_range,
    **dict.fromkeys(("ids", "shippable", "url"), not_modelled),
}


def create(store: Store, given: dict[str, Any], at: float) -> Body:
    """A new product; its id may be given. Raises ApiError (400) when that id is taken."""
    id_ = given.get("id") or new_id("prod")
    if objects.find(store, KIND, id_):
        raise ApiError(400, "Product already exists.", code="resource_already_exists", executed=True)
    body = {**_new(id_, at), **given, "id": id_}
    body["metadata"] = metadata.merged({}, given.get("metadata", {}))
    objects.insert(store, body, at)
    events.emit(store, at=at, type="product.created", body=body)
    return body


def filtered(given: dict[str, Any], *names: str) -> tuple[tuple[str, Any], ...]:
    """The conditions of a list on fields of the body, and on when it was created."""
    signs = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
    created = given.get("created", {})
    found = [(f"created {signs[name]} ?", value) for name, value in created.items()]
    for name in names:
        if given.get(name) is not None:
            found.append((f"json_extract(CAST(body AS TEXT), '$.{name}') = ?", given[name]))
    return tuple(found)


def _new(id_: str, at: float) -> Body:
    unset = ("default_price", "description", "package_dimensions", "shippable", "statement_descriptor")
    return {
        "id": id_,
        "object": KIND,
        "active": True,
        "created": int(at),
        **dict.fromkeys((*unset, "tax_code", "unit_label", "url")),
        "images": [],
        "livemode": False,
        "marketing_features": [],
        "metadata": {},
        "type": "service",
        "updated": int(at),
    }


def _create(call: Call) -> Body:
    return create(call.store, call.given, call.at)


def _retrieve(call: Call) -> Body:
    found = objects.find(call.store, KIND, call.ids[0])
    if found is None:
        raise no_such(KIND, call.ids[0])
    return found.body


def _list(call: Call) -> Body:
    return lists.page(call.store, KIND, call.given, url=_MANY, where=filtered(call.given, "active"))


_MANY = "/v1/products"
ENDPOINTS = [
    Endpoint("POST", _MANY, _create, _CREATE, ("name",)),
    Endpoint("GET", _MANY, _list, _FILTERS, listed=True),
    Endpoint("GET", "/v1/products/{id}", _retrieve, EXPAND),
]
