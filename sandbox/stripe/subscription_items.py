"""The items of a subscription: prices with quantities, added, changed and taken out."""

from typing import Any

from sandbox.stripe import metadata, params, prices
from sandbox.stripe.errors import ApiError, invalid, no_such
from sandbox.stripe.ids import new_id
from sandbox.stripe.objects import Body
from sandbox.stripe.params import not_modelled, text
from sandbox.stripe.store import Store

MOST = 20
_UNUSED = ("billing_thresholds", "discounts", "price_data", "tax_rates")
NEW: params.Schema = {
    "metadata": metadata.read,
    "price": text(),
    "quantity": params.integer,
    **dict.fromkeys(_UNUSED, not_modelled),
}
CHANGED: params.Schema = {**NEW, "id": text(), "deleted": params.boolean, "clear_usage": not_modelled}


def made(store: Store, subscription_id: str, given: list[dict[str, Any]], at: float) -> Body:
    """The list of a new subscription's items. Raises ApiError (400)."""
    if not given:
        raise invalid("Missing required param: items.", param="items", code="parameter_missing")
    data = [_new(store, subscription_id, one, place, at) for place, one in enumerate(given)]
    return {
        "object": "list",
        "data": _checked(data),
        "has_more": False,
        "total_count": len(data),
        "url": f"/v1/subscription_items?subscription={subscription_id}",
    }


def changed(store: Store, body: Body, given: list[dict[str, Any]], at: float) -> Body:
    """The list after the changes: an entry with an `id` changes that item, one without adds a new one."""
    data = {one["id"]: one for one in body["items"]["data"]}
    for place, one in enumerate(given):
        id_ = one.get("id")
        if id_ is None:
            added = _new(store, body["id"], one, place, at)
            data[added["id"]] = added
        elif id_ not in data:
            raise no_such("subscription item", id_, param=f"items[{place}][id]", status=400)
        elif one.get("deleted"):
            del data[id_]
        else:
            data[id_] = _updated(store, data[id_], one, place)
    return {**body["items"], "data": _checked(list(data.values())), "total_count": len(data)}


def amount(body: Body) -> int:
    """What a period costs, in minor units of its currency; usage is charged when it is over."""
    return sum(one["price"]["unit_amount"] * one.get("quantity", 0) for one in body["items"]["data"])


def _new(store: Store, subscription_id: str, given: dict[str, Any], place: int, at: float) -> Body:
    price = _price(store, given, place)
    return {
        "id": new_id("si"),
        "object": "subscription_item",
        "billing_thresholds": None,
        "created": int(at),
        "current_period_end": 0,
        "current_period_start": 0,
        "discounts": [],
        "metadata": metadata.merged({}, given.get("metadata", {})),
        "price": price,
        **_counted(price, given, place),
        "subscription": subscription_id,
        "tax_rates": [],
    }


def _counted(price: Body, given: dict[str, Any], place: int) -> Body:
    """The quantity, which a metered price has not: what is used is counted by its meter."""
    if price["recurring"]["usage_type"] != "metered":
        return {"quantity": _quantity(given.get("quantity", 1), place)}
    if "quantity" in given:
        raise invalid("You cannot set `quantity` for a metered price.", param=f"items[{place}][quantity]")
    return {}


def _updated(store: Store, old: Body, given: dict[str, Any], place: int) -> Body:
    new = dict(old)
    if "price" in given:
        new["price"] = _price(store, given, place)
        new.pop("quantity", None)
    if "price" in given or "quantity" in given:
        new |= _counted(new["price"], {**_same_quantity(old, new), **given}, place)
    if "metadata" in given:
        new["metadata"] = metadata.merged(old["metadata"], given["metadata"])
    return new


def _same_quantity(old: Body, new: Body) -> Body:
    metered = new["price"]["recurring"]["usage_type"] == "metered"
    return {} if metered or "quantity" not in old else {"quantity": old["quantity"]}


def _price(store: Store, given: dict[str, Any], place: int) -> Body:
    param = f"items[{place}][price]"
    if not given.get("price"):
        raise invalid(f"Missing required param: {param}.", param=param, code="parameter_missing")
    price = prices.find(store, given["price"], param=param)
    if price["type"] != "recurring":
        raise invalid(
            "The price specified is set to `type=one_time` but this field only accepts prices with "
            "`type=recurring`.",
            param=param,
        )
    if not price["active"]:
        raise invalid("The price specified is inactive. This field only accepts active prices.", param=param)
    return price


def _quantity(value: int, place: int) -> int:
    if value < 0:
        raise invalid(
            "This value must be greater than or equal to 0.",
            param=f"items[{place}][quantity]",
            code="parameter_invalid_integer",
        )
    return value


def _checked(data: list[Body]) -> list[Body]:
    if not data:
        raise ApiError(400, "A subscription must have at least one active plan.", param="items")
    if len(data) > MOST:
        raise invalid(f"A subscription can have at most {MOST} items.", param="items")
    if len({one["price"]["currency"] for one in data}) > 1:
        raise ApiError(400, "All prices on a subscription must have the same `currency`.", param="items")
    if len({(one["price"]["recurring"]["interval"], _count(one)) for one in data}) > 1:
        raise ApiError(
            400,
            "Currently, all prices on a subscription must have the same `recurring.interval` and "
            "`recurring.interval_count`.",
            param="items",
        )
    return data


def _count(item: Body) -> int:
    return int(item["price"]["recurring"]["interval_count"])
