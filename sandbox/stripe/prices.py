"""Prices: an amount in a currency, once or every interval. As little of them as subscriptions need."""

import re
from typing import Any

from sandbox.stripe import events, lists, metadata, objects, params, products
from sandbox.stripe.endpoint import EXPAND, Call, Endpoint
from sandbox.stripe.errors import ApiError, invalid, no_such
from sandbox.stripe.forms import Value
from sandbox.stripe.ids import new_id
from sandbox.stripe.objects import Body
from sandbox.stripe.params import not_modelled, text
from sandbox.stripe.store import Store

KIND = "price"
# docs.stripe.com/api/prices/create: at most three years.
LONGEST = {"day": 1095, "week": 156, "month": 36, "year": 3}


def currency(value: Value, param: str) -> str:
    """A three-letter code, in lower case."""
    if not isinstance(value, str) or not re.fullmatch(r"[A-Za-z]{3}", value):
        raise invalid(f"Invalid currency: {value}.", param=param)
    return value.lower()


_RECURRING: params.Schema = {
    "interval": params.choice(*LONGEST),
    "interval_count": params.integer,
    "meter": text(),
    "trial_period_days": not_modelled,
    "usage_type": params.choice("licensed", "metered"),
}
_UNUSED = ("currency_options", "custom_unit_amount", "tiers", "tiers_mode", "transfer_lookup_key")
_CREATE: params.Schema = {
    "active": params.boolean,
    "billing_scheme": params.choice("per_unit"),
    "currency": currency,
    "lookup_key": text(200),
    "metadata": metadata.read,
    "nickname": text(),
    "product": text(),
    "product_data": params.table(products.FIELDS, required=("name",)),
    "recurring": params.table(_RECURRING, required=("interval",)),
    "tax_behavior": params.choice("exclusive", "inclusive", "unspecified"),
    "unit_amount": params.integer,
    **dict.fromkeys((*_UNUSED, "transform_quantity", "unit_amount_decimal"), not_modelled),
    **EXPAND,
}
_FILTERS: params.Schema = {
    **lists.PAGING,
    "active": params.boolean,
    "created": params.one_or_range,
    "currency": currency,
    "product": text(),
    "type": params.choice("one_time", "recurring"),
    **dict.fromkeys(("lookup_keys", "recurring"), not_modelled),
}


def find(store: Store, id_: str, *, param: str) -> Body:
    """The price a parameter names. Raises ApiError (400)."""
    found = objects.find(store, KIND, id_)
    if found is None:
        raise no_such(KIND, id_, param=param, status=400)
    return found.body


def _new(given: dict[str, Any], product: str, at: float) -> Body:
    amount = given.get("unit_amount")
    unset = ("custom_unit_amount", "lookup_key", "nickname", "tiers_mode", "transform_quantity")
    return {
        "id": new_id("price", 24),
        "object": KIND,
        "active": True,
        "billing_scheme": "per_unit",
        "created": int(at),
        **dict.fromkeys(unset),
        "livemode": False,
        "tax_behavior": "unspecified",
        **given,
        "metadata": metadata.merged({}, given.get("metadata", {})),
        "product": product,
        "recurring": _recurring(given.get("recurring")),
        "type": "recurring" if given.get("recurring") else "one_time",
        "unit_amount": amount,
        "unit_amount_decimal": str(amount),
    }


def _recurring(given: dict[str, Any] | None) -> dict[str, Any] | None:
    if not given:
        return None
    interval, count = given["interval"], given.get("interval_count", 1)
    if not 1 <= count <= LONGEST[interval]:
        raise invalid(
            f"You cannot set `interval_count` to {count}: at most {LONGEST[interval]} for `{interval}`.",
            param="recurring[interval_count]",
        )
    usage, meter = given.get("usage_type") or "licensed", given.get("meter")
    _check_meter(usage, meter)
    return {"interval": interval, "interval_count": count, "meter": meter, "usage_type": usage}


def _check_meter(usage: str, meter: str | None) -> None:
    """Since version 2025-03-31 a metered price is backed by a meter (docs.stripe.com/changelog/basil/2025-03-31/
    deprecate-legacy-usage-based-billing). Meters themselves are not kept here: any id of one will do."""
    if usage == "metered" and not re.fullmatch(r"mtr_\w+", meter or ""):
        raise invalid(
            "All metered prices must be backed by meters: name one (mtr_...) in `recurring[meter]`.",
            param="recurring[meter]",
        )
    if usage == "licensed" and meter:
        raise invalid("Only metered prices have a meter.", param="recurring[meter]")


def _create(call: Call) -> Body:
    given = call.given
    if given.get("unit_amount") is None or given["unit_amount"] < 0:
        raise invalid("Prices require a `unit_amount` of at least 0.", param="unit_amount")
    body = _new(
        {name: value for name, value in given.items() if name != "product_data"}, _product(call), call.at
    )
    objects.insert(call.store, body, call.at)
    events.emit(call.store, at=call.at, type="price.created", body=body)
    return body


def _product(call: Call) -> str:
    id_, data = call.given.get("product"), call.given.get("product_data")
    if bool(id_) == bool(data):
        raise ApiError(400, "You must specify either `product` or `product_data` when creating a price.")
    if data:
        return str(products.create(call.store, data, call.at)["id"])
    if objects.find(call.store, products.KIND, str(id_)) is None:
        raise no_such(products.KIND, str(id_), param="product", status=400)
    return str(id_)


def _retrieve(call: Call) -> Body:
    found = objects.find(call.store, KIND, call.ids[0])
    if found is None:
        raise no_such(KIND, call.ids[0])
    return found.body


def _list(call: Call) -> Body:
    where = products.filtered(call.given, "active", "currency", "product", "type")
    return lists.page(call.store, KIND, call.given, url=_MANY, where=where)


_MANY = "/v1/prices"
ENDPOINTS = [
    Endpoint("POST", _MANY, _create, _CREATE, ("currency",)),
    Endpoint("GET", _MANY, _list, _FILTERS, listed=True),
    Endpoint("GET", "/v1/prices/{price}", _retrieve, EXPAND),
]
