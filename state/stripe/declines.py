"""Declines: which of them are for good, and what a customer may be told of them."""

from collections.abc import Mapping
from typing import Any, Final

from state.stripe.answers import Declined

PERMANENT: Final = frozenset(
    {
        # Hard declines: not to be tried again with the same method
        # (docs.stripe.com/billing/revenue-recovery/smart-retries#non-retryable-decline-codes).
        "incorrect_number",
        "lost_card",
        "pickup_card",
        "stolen_card",
        "revocation_of_authorization",
        "revocation_of_all_authorizations",
        "highest_risk_level",
        "transaction_not_allowed",
        # Codes whose next step is another card (docs.stripe.com/declines/codes, docs.stripe.com/error-codes).
        "card_not_supported",
        "currency_not_supported",
        "do_not_try_again",
        "expired_card",
        "fraudulent",
        "invalid_account",
        "invalid_expiry_month",
        "invalid_expiry_year",
        "invalid_number",
        "merchant_blacklist",
        "new_account_information_available",
        "restricted_card",
        "security_violation",
        "service_not_allowed",
        "stop_payment_order",
        "testmode_decline",
        "bank_account_unusable",
        "account_closed",
        "no_account",
        "debit_not_authorized",
    }
)

SENTENCES: Final[Mapping[str, str]] = {
    "insufficient_funds": "The card has insufficient funds.",
    "expired_card": "The card has expired.",
    "incorrect_cvc": "The card's security code is incorrect.",
    "invalid_cvc": "The card's security code is incorrect.",
    "incorrect_number": "The card number is incorrect.",
    "invalid_number": "The card number is incorrect.",
    "incorrect_zip": "The postal code does not match the card's.",
    "processing_error": "The bank could not process the card.",
    "card_not_supported": "The card does not support this kind of payment.",
    "currency_not_supported": "The card does not support this currency.",
    "setup_intent_authentication_failure": "The payment method could not be authenticated.",
    "authentication_required": "The bank asks for authentication.",
    "authentication_not_handled": "The bank asks for authentication.",
}
"""What may be said. Everything else, a suspicion above all, is told as a decline without a reason, which is
what Stripe asks for with lost and stolen cards and fraud (docs.stripe.com/declines/codes)."""
DECLINED: Final = "The payment method was declined."
AUTHENTICATE: Final = "Try again and confirm it when your bank asks."
ADVICE: Final[Mapping[str, str]] = dict.fromkeys(
    ("authentication_required", "authentication_not_handled", "setup_intent_authentication_failure"),
    AUTHENTICATE,
)
"""What the customer has to do now, which another day or another method would not spare them (declines/codes). The
attempt is over all the same: they act in the next one, so it is no `NeedsCustomer`."""


def declined(error: Mapping[str, Any], *, status: int = 402, reason: str | None = None) -> Declined:
    """The decline in a card error, or in the `last_setup_error` of a setup intent. `reason` is for support."""
    code, decline_code = error.get("code"), error.get("decline_code")
    exact = decline_code or code or ""
    sentence = SENTENCES.get(exact) or SENTENCES.get(code or "") or DECLINED
    named = " of ".join(filter(None, (decline_code, code)))
    return Declined(
        reason=reason or f"Stripe: {sentence} ({named})",
        status=status,
        code=code,
        decline_code=decline_code,
        sentence=sentence,
        permanent=exact in PERMANENT,
        advice=ADVICE.get(exact) or ADVICE.get(code or ""),
    )
