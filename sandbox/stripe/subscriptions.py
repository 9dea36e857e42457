"""Subscriptions: created, changed, canceled, retrieved, listed; as much of them as a mirror needs, no invoices."""

from typing import Any

import orjson

from sandbox.stripe import lists, metadata, objects, params, products, subscription_items
from sandbox.stripe import subscription_rules as rules
from sandbox.stripe import subscription_state as state
from sandbox.stripe.endpoint import EXPAND, Call, Endpoint
from sandbox.stripe.errors import ApiError, invalid, no_such
from sandbox.stripe.ids import new_id
from sandbox.stripe.objects import Body
from sandbox.stripe.params import not_modelled, text
from sandbox.stripe.store import Store

KIND = state.KIND
cancel_all = state.cancel_all
STATUSES = (
    "active",
    "canceled",
    "incomplete",
    "incomplete_expired",
    "past_due",
    "paused",
    "trialing",
    "unpaid",
)
EXPANDABLE = frozenset(
    {"customer", "default_payment_method", "default_source", "items", "latest_invoice"}
    | {"pending_setup_intent", "schedule"}
)
_FILTERS: params.Schema = {
    **lists.PAGING,
    "collection_method": params.choice("charge_automatically", "send_invoice"),
    "created": params.one_or_range,
    "customer": text(),
    "price": text(),
    "status": params.choice("all", "ended", *STATUSES),
    **dict.fromkeys(("automatic_tax", "current_period_end", "current_period_start"), not_modelled),
    **dict.fromkeys(("customer_account", "test_clock"), not_modelled),
}
_WITH_PRICE = (
    "? IN (SELECT json_extract(value, '$.price.id') FROM json_each(CAST(body AS TEXT), '$.items.data'))"
)
_CANCEL: params.Schema = {
    "cancellation_details": params.table(rules.DETAILS),
    "invoice_now": params.boolean,
    "prorate": params.boolean,
    **EXPAND,
}


def included(store: Store, customer_id: str) -> Body:
    """The list a customer shows when its `subscriptions` are expanded."""
    data = list(reversed(state.of_customer(store, customer_id)))[: lists.DEFAULT]
    url = f"/v1/customers/{customer_id}/subscriptions"
    return {"object": "list", "data": data, "has_more": False, "url": url}


def _new(customer: str, at: float) -> Body:
    unset = (
        *("application", "application_fee_percent", "billing_cycle_anchor_config", "billing_thresholds"),
        *("cancel_at", "canceled_at", "customer_account", "days_until_due", "default_payment_method"),
        *("default_source", "description", "ended_at", "latest_invoice", "managed_payments"),
        *("next_pending_invoice_item_invoice", "on_behalf_of", "pause_collection"),
        *("pending_invoice_item_interval", "pending_setup_intent", "pending_update", "schedule"),
        *("test_clock", "transfer_data", "trial_end", "trial_start"),
    )
    return {
        "id": new_id("sub", 24),
        "object": KIND,
        **dict.fromkeys(unset),
        "automatic_tax": {"disabled_reason": None, "enabled": False, "liability": None},
        "billing_cycle_anchor": int(at),
        "billing_mode": {"flexible": None, "type": "classic"},
        "billing_schedules": [],
        "cancel_at_period_end": False,
        "cancellation_details": dict.fromkeys(("comment", "feedback", "feedback_option", "reason")),
        "collection_method": "charge_automatically",
        "created": int(at),
        "currency": "usd",
        "customer": customer,
        "default_tax_rates": [],
        "discounts": [],
        "invoice_settings": {"account_tax_ids": None, "issuer": {"type": "self"}}
        | dict.fromkeys(("custom_fields", "description", "footer")),
        "livemode": False,
        "metadata": {},
        "payment_settings": {"save_default_payment_method": "off"}
        | dict.fromkeys(("payment_method_options", "payment_method_types")),
        "start_date": int(at),
        "status": "active",
        "trial_settings": {"end_behavior": {"missing_payment_method": "create_invoice"}},
    }


def _create(call: Call) -> Body:
    given = call.given
    body = _new(rules.customer(call.store, given.get("customer")), call.at)
    body["items"] = subscription_items.made(call.store, body["id"], given.get("items", []), call.at)
    body["currency"] = body["items"]["data"][0]["price"]["currency"]
    if (given.get("currency") or body["currency"]).lower() != body["currency"]:
        raise invalid("The price specified does not match the currency given.", param="currency")
    body |= rules.collection(call.store, body, given, creating=True)
    body = _begun(_plain(call, body), given, call.at)
    body["status"] = _first_status(call.store, body, given)
    body = _to_end(body, given, call.at)
    state.insert(call.store, body, call.at)
    return _with(call.store, body, call.includes)


def _update(call: Call) -> Body:
    old, given = _found(call), call.given
    if old["status"] in state.ENDED and set(given) - {"cancellation_details", "metadata"}:
        message = "A canceled subscription can only update its cancellation_details and metadata."
        raise ApiError(400, message, executed=True)
    body = {**old, **rules.collection(call.store, old, given, creating=False)}
    if given.get("items"):
        body["items"] = subscription_items.changed(call.store, body, given["items"], call.at)
    body = _to_end(_rebilled(old, _plain(call, body), given, call.at), given, call.at)
    state.save(call.store, old, body, call.at)
    return _with(call.store, body, call.includes)


def _cancel(call: Call) -> Body:
    old = _found(call)
    if old["status"] in state.ENDED:
        raise no_such(KIND, call.ids[0])
    details = call.given.get("cancellation_details")
    body = state.end(call.store, old, call.at, reason="cancellation_requested", details=details)
    return _with(call.store, body, call.includes)


def _retrieve(call: Call) -> Body:
    return _with(call.store, _found(call), call.includes)


def _list(call: Call) -> Body:
    given = call.given
    where = [*products.filtered(given, "collection_method")]
    if given.get("customer"):
        where.append((state.OF_CUSTOMER, given["customer"]))
    if given.get("price"):
        where.append((_WITH_PRICE, given["price"]))
    match given.get("status"):
        case "all":
            pass
        case "ended":
            where.append((f"{state.STATUS} IN ('canceled', ?)", "incomplete_expired"))
        case None:
            where.append((f"{state.STATUS} <> ?", "canceled"))
        case status:
            where.append((f"{state.STATUS} = ?", status))
    page = lists.page(call.store, KIND, given, url=_MANY, where=tuple(where))
    if call.includes:
        bodies = [orjson.loads(orjson.dumps(one)) for one in page["data"]]
        page["data"] = [_with(call.store, body, call.includes) for body in bodies]
    return page


def _plain(call: Call, body: Body) -> Body:
    """What a request sets as it is."""
    given, after = call.given, dict(body)
    for name in ("description", "pause_collection"):
        if name in given:
            after[name] = given[name]
    if after["pause_collection"]:
        after["pause_collection"] = {"resumes_at": None, **after["pause_collection"]}
    if "metadata" in given:
        after["metadata"] = metadata.merged(body["metadata"], given["metadata"])
    if "default_payment_method" in given:
        id_ = given["default_payment_method"]
        after["default_payment_method"] = id_ and rules.payment_method(call.store, body["customer"], id_)
    if given.get("cancellation_details"):
        after["cancellation_details"] = {**body["cancellation_details"], **given["cancellation_details"]}
    if (given.get("trial_settings") or {}).get("end_behavior"):
        after["trial_settings"] = given["trial_settings"]
    return after


def _begun(body: Body, given: dict[str, Any], at: float) -> Body:
    """The first period: the trial if there is one, else up to the next place on the grid of the anchor."""
    if trial := rules.trial_end(given, at):
        body |= {
            "status": "trialing",
            "trial_start": int(at),
            "trial_end": trial,
            "billing_cycle_anchor": trial,
        }
        return state.with_period(body, int(at), trial)
    return state.next_period({**body, "billing_cycle_anchor": _anchor(body, given, at)}, int(at))


def _anchor(body: Body, given: dict[str, Any], at: float) -> int:
    anchor = given.get("billing_cycle_anchor", int(at))
    latest = state.period(state.next_period(body, int(at)))[1]
    if not int(at) <= anchor <= latest:
        raise invalid(
            "`billing_cycle_anchor` must be in the future and no later than the end of the first period.",
            param="billing_cycle_anchor",
        )
    return int(anchor)


def _first_status(store: Store, body: Body, given: dict[str, Any]) -> str:
    """Trialing; active when nothing is to be paid at once, or can be; incomplete when that is left open."""
    if body["trial_end"]:
        return "trialing"
    if body["collection_method"] == "send_invoice" or subscription_items.amount(body) == 0:
        return "active"
    if given.get("payment_behavior") == "default_incomplete":
        return "incomplete"
    if not state.has_payment_method(store, body):
        raise ApiError(400, rules.NO_PAYMENT_METHOD, code="resource_missing", executed=True)
    return "active"


def _rebilled(old: Body, body: Body, given: dict[str, Any], at: float) -> Body:
    """The period after the request: a new one when the trial ends, the interval changes or the anchor is now."""
    if trial := rules.trial_end(given, at):
        body |= {"status": "trialing", "trial_start": old["trial_start"] or int(at), "trial_end": trial}
        return state.with_period({**body, "billing_cycle_anchor": trial}, int(at), trial)
    ends_trial = given.get("trial_end") == "now" and old["status"] == "trialing"
    if ends_trial:
        body |= {"status": "active", "trial_end": int(at)}
    if ends_trial or given.get("billing_cycle_anchor") == "now" or _interval(old) != _interval(body):
        return state.next_period({**body, "billing_cycle_anchor": int(at)}, int(at))
    return state.with_period(body, *state.period(old)) if given.get("items") else body


def _interval(body: Body) -> tuple[str, int]:
    recurring = body["items"]["data"][0]["price"]["recurring"]
    return recurring["interval"], recurring["interval_count"]


def _to_end(body: Body, given: dict[str, Any], at: float) -> Body:
    """When it shall end: at the end of the period, at a moment, or not."""
    if given.get("cancel_at") and given.get("cancel_at_period_end"):
        raise invalid("You may only specify one of these parameters: cancel_at, cancel_at_period_end.")
    wanted = None if body["cancel_at_period_end"] else body["cancel_at"]
    at_period_end = given.get("cancel_at_period_end", body["cancel_at_period_end"])
    if "cancel_at" in given:
        wanted, at_period_end = given["cancel_at"], False
    moment = state.period(body)[1] if at_period_end else wanted
    if moment is None:
        details = {**body["cancellation_details"], "reason": None}
        unset = (
            {} if body["status"] in state.ENDED else {"canceled_at": None, "cancellation_details": details}
        )
        return {**body, "cancel_at": None, "cancel_at_period_end": False, **unset}
    if "cancel_at" in given and not isinstance(moment, int):
        raise invalid("Invalid timestamp: cancel_at is a moment in the future.", param="cancel_at")
    return {
        **body,
        "cancel_at": moment,
        "cancel_at_period_end": at_period_end,
        "canceled_at": body["canceled_at"] or int(at),
        "cancellation_details": {**body["cancellation_details"], "reason": "cancellation_requested"},
    }


def _found(call: Call) -> Body:
    found = objects.find(call.store, KIND, call.ids[0])
    if found is None or found.deleted:
        raise no_such(KIND, call.ids[0])
    return found.body


def _with(store: Store, body: Body, includes: frozenset[str]) -> Body:
    """The answer's body with the objects it names, where they were asked for."""
    kinds = {"customer": "customer", "default_payment_method": "payment_method"}
    shown = dict(body)
    for name in includes & kinds.keys():
        found = objects.find(store, kinds[name], body[name] or "")
        shown[name] = found.body if found else body[name]
    return shown


_MANY, _ONE = "/v1/subscriptions", "/v1/subscriptions/{subscription_exposed_id}"
ENDPOINTS = [
    Endpoint("POST", _MANY, _create, rules.CREATE, ("customer", "items"), expandable=EXPANDABLE),
    Endpoint("GET", _MANY, _list, _FILTERS, expandable=EXPANDABLE, listed=True),
    Endpoint("POST", _ONE, _update, rules.UPDATE, expandable=EXPANDABLE),
    Endpoint("GET", _ONE, _retrieve, EXPAND, expandable=EXPANDABLE),
    Endpoint("DELETE", _ONE, _cancel, _CANCEL, expandable=EXPANDABLE),
]
