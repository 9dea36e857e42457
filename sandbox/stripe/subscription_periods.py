"""What time does to a subscription: a new period, the end of a trial, the end. No invoices are made.

Rules: docs.stripe.com/billing/subscriptions/overview, .../trials. Payments that the double would have to collect
succeed when there is a payment method.
"""

from sandbox.stripe import alarms, objects, subscription_state
from sandbox.stripe.objects import Body
from sandbox.stripe.store import Store


def ring(store: Store, id_: str, at: float) -> None:
    """The moment of this subscription's alarm has come: changes it as of then, in the open transaction."""
    found = objects.find(store, subscription_state.KIND, id_)
    if found is None or found.deleted:
        alarms.set_(store, id_, None)
        return
    old = found.body
    if subscription_state.next_moment(old) != at:
        alarms.set_(store, id_, subscription_state.next_moment(old))
    elif old["cancel_at"] and old["cancel_at"] <= at:
        subscription_state.end(store, old, at, reason="cancellation_requested")
    else:
        subscription_state.save(store, old, _changed(store, old, int(at)), at)


def _changed(store: Store, old: Body, at: int) -> Body:
    if old["status"] == "incomplete":
        return {**old, "status": "incomplete_expired", "ended_at": at}
    if old["status"] == "trialing":
        return _after_trial(store, old, at)
    return subscription_state.next_period(old, at)


def _after_trial(store: Store, old: Body, at: int) -> Body:
    """Active, unless there is nothing to charge: then as `trial_settings` say."""
    began = subscription_state.next_period({**old, "billing_cycle_anchor": at}, at)
    automatic = old["collection_method"] == "charge_automatically"
    if not automatic or subscription_state.has_payment_method(store, old):
        return {**began, "status": "active"}
    match old["trial_settings"]["end_behavior"]["missing_payment_method"]:
        case "pause":
            return {**old, "status": "paused"}
        case "cancel":
            return {**old, "status": "canceled", "canceled_at": at, "ended_at": at}
        case _:
            return {**began, "status": "past_due"}
