"""The work that payment methods owe to the processors, by kind and target."""

from datetime import timedelta
from typing import Final

from handlers.decision import EffectRequest
from handlers.stripe_customers import STRIPE

BRAINTREE: Final = "braintree"
DEADLINE: Final = "deadline"
"""A target of its own: what waits for its time must not hold up what is owed to a processor."""

ATTACH_METHOD: Final = "stripe.attach_payment_method"
START_SETUP: Final = "stripe.start_setup"
READ_SETUP: Final = "stripe.read_setup"
READ_METHOD: Final = "stripe.read_payment_method"
READ_SUBSCRIPTION: Final = "stripe.read_subscription"
ALIGN_STRIPE: Final = "stripe.align_payments"
VAULT_PAYPAL: Final = "braintree.vault_paypal"
ALIGN_BRAINTREE: Final = "braintree.align_payments"
READ_BRAINTREE: Final = "braintree.read_payment_method"
SETUP_DEADLINE: Final = "payments.setup_deadline"


def attach(method_id: str, *, payment_method: str | None, setup_intent: str | None) -> EffectRequest:
    """Confirm a setup of the payment method, or look at one that the customer confirmed."""
    named = {"payment_method": payment_method} if payment_method else {"setup_intent": setup_intent}
    return EffectRequest(ATTACH_METHOD, STRIPE, None, {"method_id": method_id, **named})


def start_setup(setup_id: str) -> EffectRequest:
    """Make a setup intent for a page to collect a method with; `setup_id` is the command's."""
    return EffectRequest(START_SETUP, STRIPE, None, {"setup_id": setup_id})


def read_setup(setup_intent: str, *, release: bool) -> EffectRequest:
    """Look at a setup intent; with `release` an unfinished one is cancelled first.

    Only said when it is so: what is owed under one key is merged, and a mere look must not take the release back.
    """
    payload = {"setup_intent": setup_intent, **({"release": True} if release else {})}
    return EffectRequest(READ_SETUP, STRIPE, f"setup:{setup_intent}", payload)


def end_setup(setup_intent: str) -> EffectRequest:
    """Look at a setup intent whose deadline is over; an unfinished one that has no longer time is cancelled first."""
    payload = {"setup_intent": setup_intent, "overdue": True}
    return EffectRequest(READ_SETUP, STRIPE, f"setup:{setup_intent}", payload)


def read_method(reference: str) -> EffectRequest:
    """Look at a payment method of Stripe."""
    return EffectRequest(READ_METHOD, STRIPE, f"read:{reference}", {"payment_method": reference})


def read_subscription(subscription: str) -> EffectRequest:
    """Look at a subscription."""
    return EffectRequest(READ_SUBSCRIPTION, STRIPE, f"read:{subscription}", {"subscription": subscription})


def read_braintree(reference: str) -> EffectRequest:
    """Look at a method in Braintree's vault."""
    return EffectRequest(READ_BRAINTREE, BRAINTREE, f"read:{reference}", {"reference": reference})


def vault_paypal(method_id: str) -> EffectRequest:
    """Keep a PayPal agreement in Braintree's vault under the method's id."""
    return EffectRequest(VAULT_PAYPAL, BRAINTREE, None, {"method_id": method_id})


def align_stripe() -> EffectRequest:
    """Bring default, detached methods and collection methods at Stripe in line with the account."""
    return EffectRequest(ALIGN_STRIPE, STRIPE, "payments", settles=True)


def align_braintree() -> EffectRequest:
    """Bring default and deleted methods in Braintree's vault in line with the account."""
    return EffectRequest(ALIGN_BRAINTREE, BRAINTREE, "payments", settles=True)


def setup_deadline(setup_intent: str, after: timedelta) -> EffectRequest:
    """Come back to a setup intent when the time to authenticate is over."""
    payload = {"setup_intent": setup_intent}
    return EffectRequest(SETUP_DEADLINE, DEADLINE, f"setup:{setup_intent}", payload, after)
