"""What a request may ask of a subscription: its parameters, how it is collected, when its trial ends."""

from typing import Any

from sandbox.stripe import metadata, objects, params, subscription_items
from sandbox.stripe.endpoint import EXPAND
from sandbox.stripe.errors import ApiError, invalid, no_such
from sandbox.stripe.forms import Value
from sandbox.stripe.objects import Body
from sandbox.stripe.params import not_modelled, text
from sandbox.stripe.store import Store

NO_PAYMENT_METHOD = (
    "This customer has no attached payment source or default payment method. Please consider adding a default "
    "payment method. For more information, visit https://stripe.com/docs/billing/subscriptions/"
    "payment-methods-setting#payment-method-priority."
)
NO_EMAIL = (
    "Missing email. In order to create invoices that are sent to the customer, the customer must have a valid "
    "email."
)
BEHAVIORS = ("allow_incomplete", "default_incomplete", "error_if_incomplete", "pending_if_incomplete")


def _moment(value: Value, param: str) -> int | str | None:
    """Seconds since the epoch, `now`, or empty for none."""
    return str(value) if value == "now" else params.integer(value, param) if value else None


_UNUSED = (
    *("add_invoice_items", "application_fee_percent", "automatic_tax", "billing_schedules"),
    *("billing_thresholds", "default_source", "default_tax_rates", "discounts", "invoice_settings"),
    *("on_behalf_of", "payment_settings", "pending_invoice_item_interval", "transfer_data"),
)
_MISSING = params.table({"missing_payment_method": params.choice("cancel", "create_invoice", "pause")})
_COMMON: params.Schema = {
    "cancel_at": _moment,
    "cancel_at_period_end": params.boolean,
    "collection_method": params.choice("charge_automatically", "send_invoice"),
    "days_until_due": params.integer,
    "default_payment_method": text(),
    "description": text(500),
    "metadata": metadata.read,
    "off_session": params.boolean,
    "payment_behavior": params.choice(*BEHAVIORS),
    "proration_behavior": params.choice("always_invoice", "create_prorations", "none"),
    "trial_end": _moment,
    "trial_from_plan": not_modelled,
    "trial_settings": params.table({"end_behavior": _MISSING}),
    **dict.fromkeys(_UNUSED, not_modelled),
    **EXPAND,
}
_CREATE_ONLY = ("backdate_start_date", "billing_cycle_anchor_config", "billing_mode", "customer_account")
CREATE: params.Schema = {
    **_COMMON,
    "billing_cycle_anchor": params.integer,
    "currency": text(3),
    "customer": text(),
    "items": params.array(params.table(subscription_items.NEW)),
    "trial_period_days": params.integer,
    **dict.fromkeys(_CREATE_ONLY, not_modelled),
}
_PAUSE: params.Schema = {
    "behavior": params.choice("keep_as_draft", "mark_uncollectible", "void"),
    "resumes_at": params.integer,
}
DETAILS: params.Schema = {
    "comment": text(),
    "feedback": params.choice(
        *("customer_service", "low_quality", "missing_features", "other", "switched_service"),
        *("too_complex", "too_expensive", "unused"),
    ),
    "feedback_option": not_modelled,
}
UPDATE: params.Schema = {
    **_COMMON,
    "billing_cycle_anchor": params.choice("now", "unchanged"),
    "cancellation_details": params.table(DETAILS),
    "items": params.array(params.table(subscription_items.CHANGED)),
    "pause_collection": params.table(_PAUSE, required=("behavior",)),
    "proration_date": params.integer,
}
TRANSIENT = ("off_session", "payment_behavior", "proration_behavior", "proration_date", "trial_period_days")


def collection(store: Store, body: Body, given: dict[str, Any], *, creating: bool) -> dict[str, Any]:
    """How it is collected after the request: `send_invoice` has days until due, the other has none.

    Raises ApiError (400) when invoices shall be sent to a customer without an e-mail.
    """
    method = given.get("collection_method") or body["collection_method"]
    days = given.get("days_until_due", body["days_until_due"])
    if method == "charge_automatically":
        if given.get("days_until_due") is not None:
            raise invalid(
                "`days_until_due` can only be set on subscriptions with `collection_method` set to "
                "`send_invoice`.",
                param="days_until_due",
            )
        return {"collection_method": method, "days_until_due": None}
    if days is None:
        what = "creating" if creating else "updating"
        raise invalid(
            f"When {what} subscriptions with `collection_method` set to `send_invoice`, you must specify "
            "`days_until_due`.",
            param="days_until_due",
        )
    if days < 0:
        raise invalid("Invalid days_until_due: must be 0 or more.", param="days_until_due")
    payer = objects.find(store, "customer", body["customer"])
    if given.get("collection_method") and payer is not None and not payer.body.get("email"):
        raise ApiError(400, NO_EMAIL, executed=True)
    return {"collection_method": method, "days_until_due": days}


def payment_method(store: Store, customer_id: str, id_: str) -> str:
    """The id of a payment method that is attached to this customer. Raises ApiError (400)."""
    found = objects.find(store, "payment_method", id_)
    if found is None or found.deleted or found.body.get("customer") != customer_id:
        raise ApiError(
            400,
            f"The customer does not have a payment method with the ID {id_}. The payment method must be "
            "attached to the customer.",
            code="resource_missing",
            param="default_payment_method",
            executed=True,
        )
    return id_


def customer(store: Store, id_: str | None) -> str:
    """The id of a customer that is there. Raises ApiError (400)."""
    found = objects.find(store, "customer", id_ or "")
    if found is None or found.deleted:
        raise no_such("customer", id_ or "", param="customer", status=400)
    return str(id_)


def trial_end(given: dict[str, Any], at: float) -> int | None:
    """When the asked-for trial ends; `now`, or None, for no trial. Raises ApiError (400) for the past."""
    if given.get("trial_period_days") is not None:
        if "trial_end" in given:
            raise invalid("You may only specify one of these parameters: trial_end, trial_period_days.")
        days = int(given["trial_period_days"])
        return int(at) + days * 86_400 if days > 0 else None
    moment = given.get("trial_end")
    if moment in (None, "now"):
        return None
    if int(moment) <= at:
        raise invalid(
            "Invalid timestamp: must be an integer Unix timestamp in the future.", param="trial_end"
        )
    return int(moment)
