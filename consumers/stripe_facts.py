"""What an object of Stripe's says, as the fact for its account. Pure: for webhooks and reads alike."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from state.stripe import payment_methods, setup_intents, subscriptions
from state.stripe.customers import customer
from state.stripe.odd import NotUnderstoodError
from state.stripe.payment_methods import Method
from state.stripe.setup_intents import CANCELED, UNMET, SetupIntent
from state.stripe.subscriptions import Subscription
from topics.message import Fact
from topics.observation import Observation
from topics.payment_methods import SetupIntentObserved, StripeCustomerObserved, StripeMethodObserved
from topics.subscriptions import SubscriptionObserved

CUSTOMER_DELETED: Final = "customer.deleted"
"""Its object is shown as it last was, so that only the event's type says that it is gone."""


def told(event_type: str, body: Mapping[str, Any], seen: Observation) -> Fact | None:
    """The fact in the object of an event; None when it concerns nothing of ours.

    Raises `LookupError`, `TypeError` or `ValueError` when the object is not what Stripe documents.
    """
    match body["object"]:
        case "payment_method":
            return method_observed(payment_methods.method(body), seen)
        case "setup_intent":
            return setup_observed(setup_intents.setup_intent(body), seen)
        case "subscription":
            return subscription_observed(subscriptions.subscription(body), seen)
        case "customer":
            return customer_observed(body, seen, deleted=event_type == CUSTOMER_DELETED)
    return None


def method_observed(
    method: Method, seen: Observation, *, default: bool = False
) -> StripeMethodObserved | None:
    """A payment method as it was seen; None for one of a kind that we do not keep. Raises for an odd one."""
    if method.odd:
        raise NotUnderstoodError(method.odd)
    if method.details is None:
        return None
    charged = {"default": True} if default else {}
    return StripeMethodObserved(details=method.details, customer_id=method.customer_id, seen=seen, **charged)


def setup_observed(
    intent: SetupIntent, seen: Observation, *, deadline: datetime | None = None
) -> SetupIntentObserved:
    """What became of a setup intent. What it brought is not in it: the method has to be read for that."""
    return SetupIntentObserved(
        setup_intent=intent.id,
        seen=seen,
        closed=closed(intent),
        failure=failure(intent),
        deadline=deadline,
    )


def closed(intent: SetupIntent) -> bool:
    """Whether it came to an end without a method. One whose attempt failed has not: its secret works on."""
    return intent.status == CANCELED


def failure(intent: SetupIntent) -> str | None:
    """Why its last attempt failed, in words for the customer."""
    return intent.failure.sentence[:500] if intent.status == UNMET and intent.failure else None


def subscription_observed(subscription: Subscription, seen: Observation) -> SubscriptionObserved:
    """A subscription as it was seen."""
    return SubscriptionObserved(
        subscription=subscription.id,
        customer_id=subscription.customer_id,
        status=subscription.status,
        collection_method=subscription.collection_method,
        days_until_due=subscription.days_until_due,
        default_payment_method=subscription.default_payment_method,
        cancel_at_period_end=subscription.cancel_at_period_end,
        items=subscription.items,
        ended_at=subscription.ended_at,
        seen=seen,
    )


def customer_observed(body: Mapping[str, Any], seen: Observation, *, deleted: bool) -> StripeCustomerObserved:
    """The payment side of a customer, or that it is gone."""
    found = customer(body)
    gone = deleted or found.deleted
    return StripeCustomerObserved(
        customer_id=found.id,
        default_payment_method=None if gone else found.default_payment_method,
        deleted=gone,
        seen=seen,
    )
