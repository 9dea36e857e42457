"""What a customer may be told of Stripe's refusals; what support needs is in their reasons."""

from collections.abc import Mapping
from typing import Final

from state.stripe.answers import Declined, Refused

SENTENCES: Final[Mapping[str, str]] = {
    "resource_missing": "The payment processor does not know this payment method.",
    "payment_method_unexpected_state": "The payment method was used before and can't be used again.",
    "setup_intent_invalid_parameter": "The payment method is of another kind than was said.",
    "payment_method_unactivated": "Payment methods of this kind are not taken.",
    "payment_method_provider_decline": "The payment method was declined.",
    "not_understood": "The payment processor shows the payment method in a form that is not known here.",
    "payment_method_not_available": "Payment methods of this kind can't be processed at present.",
}
"""By code (docs.stripe.com/error-codes)."""
OTHERWISE: Final = "The payment processor does not take this payment method."
NO_CUSTOMER: Final = (
    "The account's customer at the payment processor is gone; support has to link another one."
)
_LATER: Final = frozenset({"payment_method_not_available"})


def refusal_of(refused: Refused) -> Declined:
    """The decline that a refusal comes to, with its sentence for the customer."""
    if isinstance(refused, Declined):
        return refused
    code = refused.code or "refused"
    sentence = SENTENCES.get(code, OTHERWISE)
    if refused.missing and refused.param == "customer":
        sentence = NO_CUSTOMER
    return Declined(
        refused.reason, refused.status, code, refused.param, sentence=sentence, permanent=code not in _LATER
    )
