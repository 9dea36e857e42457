"""The test cards of Stripe's documentation and what their banks say (docs.stripe.com/testing)."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TestCard:
    """A card by its number. `declined` is the code its setup is declined with, `authenticates` asks its owner first.

    `exact` is the decline code behind `declined`.
    """

    __test__ = False

    number: str
    brand: str = "visa"
    declined: str | None = None
    exact: str | None = None
    authenticates: bool = False
    country: str = "US"
    funding: str = "credit"


_DECLINED = "card_declined"
_CARDS = (
    TestCard("4242424242424242"),
    TestCard("4000056655665556", funding="debit"),
    TestCard("5555555555554444", "mastercard"),
    TestCard("2223003122003222", "mastercard"),
    TestCard("5200828282828210", "mastercard", funding="debit"),
    TestCard("378282246310005", "amex"),
    TestCard("6011111111111117", "discover"),
    TestCard("3056930009020004", "diners"),
    TestCard("3566002020360505", "jcb", country="JP"),
    TestCard("6200000000000005", "unionpay", country="CN"),
    TestCard("4000002760000016", country="DE"),
    TestCard("4000008260000000", country="GB"),
    TestCard("4000000000000002", declined=_DECLINED, exact="generic_decline"),
    TestCard("4000000000009995", declined=_DECLINED, exact="insufficient_funds"),
    TestCard("4000000000009987", declined=_DECLINED, exact="lost_card"),
    TestCard("4000000000009979", declined=_DECLINED, exact="stolen_card"),
    TestCard("4000000000000069", declined="expired_card", exact="expired_card"),
    TestCard("4000000000000127", declined="incorrect_cvc", exact="incorrect_cvc"),
    TestCard("4000000000000119", declined="processing_error", exact="processing_error"),
    TestCard("4100000000000019", declined=_DECLINED, exact="fraudulent"),
    TestCard("4000000000000341"),
    TestCard("4000002500003155", authenticates=True),
    TestCard("4000002760003184", authenticates=True),
    TestCard("4000008260003178", authenticates=True),
    TestCard("4000000000003220", authenticates=True),
    TestCard("4000000000003063", authenticates=True),
    TestCard("4000008400001629", declined=_DECLINED, exact="generic_decline", authenticates=True),
)
CARDS = {card.number: card for card in _CARDS}

TOKENS = {
    "visa": "4242424242424242",
    "visa_debit": "4000056655665556",
    "mastercard": "5555555555554444",
    "amex": "378282246310005",
    "discover": "6011111111111117",
    "diners": "3056930009020004",
    "jcb": "3566002020360505",
    "unionpay": "6200000000000005",
    "de": "4000002760000016",
    "gb": "4000008260000000",
    "visa_chargeDeclined": "4000000000000002",
    "chargeDeclined": "4000000000000002",
    "visa_chargeDeclinedInsufficientFunds": "4000000000009995",
    "chargeDeclinedInsufficientFunds": "4000000000009995",
    "visa_chargeDeclinedLostCard": "4000000000009987",
    "visa_chargeDeclinedStolenCard": "4000000000009979",
    "chargeDeclinedExpiredCard": "4000000000000069",
    "chargeDeclinedIncorrectCvc": "4000000000000127",
    "chargeDeclinedProcessingError": "4000000000000119",
    "radarBlock": "4100000000000019",
    "chargeCustomerFail": "4000000000000341",
    "authenticationRequiredOnSetup": "4000002500003155",
    "authenticationRequired": "4000002760003184",
    "authenticationRequiredChargeDeclinedInsufficientFunds": "4000008260003178",
    "threeDSecure2Required": "4000000000003220",
    "threeDSecureRequired": "4000000000003063",
    "threeDSecureRequiredChargeDeclined": "4000008400001629",
}
"""What may be named instead of a number: `pm_card_visa`, `tok_visa` and the like."""

SENTENCES = {
    "card_declined": "Your card was declined.",
    "insufficient_funds": "Your card has insufficient funds.",
    "expired_card": "Your card has expired.",
    "incorrect_cvc": "Your card's security code is incorrect.",
    "processing_error": "An error occurred while processing your card. Try again in a little bit.",
}
"""Stripe's words to the customer, by decline code or code."""


def named(token: str) -> TestCard | None:
    """The card behind `pm_card_...` or `tok_...`; None for what is no such name."""
    for prefix in ("pm_card_", "tok_"):
        if token.startswith(prefix):
            number = TOKENS.get(token.removeprefix(prefix))
            return CARDS[number] if number else None
    return None
