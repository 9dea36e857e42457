"""Why a processor behind Braintree says no: for good or for now, and what a customer may be told.

Source: developer.paypal.com/braintree/docs/reference/general/processor-responses/authorization-responses, whose table
says of each code whether the decline is hard or soft.
"""

from collections.abc import Mapping
from typing import Final

from state.stripe.answers import Declined

_HARD: Final = (
    *((2004, 2015), (2017, 2024), (2027, 2033), (2036, 2037), (2039, 2039), (2041, 2041), (2043, 2045)),
    *((2047, 2047), (2049, 2056), (2058, 2061), (2063, 2077), (2079, 2079), (2081, 2091), (2093, 2098)),
    *((2100, 2100), (2107, 2108)),
)
PERMANENT: Final = frozenset(str(code) for first, last in _HARD for code in range(first, last + 1))
"""Hard declines: never tried again with the same method. 2070: the payer took the agreement back at PayPal."""

NOT_PAYPAL: Final = "not_paypal"
"""What was handed over stands for a card, or for something else that is not kept at Braintree."""

SENTENCES: Final[Mapping[str, str]] = {
    "2001": "The payment method has insufficient funds.",
    "2004": "The card has expired.",
    "2010": "The card's security code is incorrect.",
    "2069": "PayPal does not allow a second payment of this kind.",
    "2070": "The PayPal agreement was revoked.",
    "2071": "Our own PayPal account can't take payments at present.",
    "2075": "The payer's PayPal account is locked or closed.",
    "2076": "PayPal does not let the payer pay for this.",
    NOT_PAYPAL: "What was sent for PayPal stands for something else.",
    "82902": "PayPal was asked for one payment, not for an agreement.",
    "93107": "This PayPal authorisation was used before.",
    "93108": "This PayPal authorisation has expired.",
}
CONNECT_AGAIN: Final = "Connect PayPal again."
ADVICE: Final[Mapping[str, str]] = {
    **dict.fromkeys(("2070", "82902", "93107", "93108"), CONNECT_AGAIN),
    NOT_PAYPAL: "Connect PayPal, or add a card as a card.",
}
"""What to do where another attempt or another method is not the way out: it is the payer's turn. The old agreement or
nonce is over, so that is a decline with advice and no `NeedsCustomer`, of which something open waits to be finished."""
DECLINED: Final = "The payment method was declined."


def declined(code: str, text: str, *, status: int = 422) -> Declined:
    """The refusal of a processor, or of a nonce, by its code. `text` is Braintree's, for support."""
    return Declined(
        reason=f"Braintree: {text} ({code})",
        status=status,
        code=code,
        decline_code=code,
        sentence=SENTENCES.get(code, DECLINED),
        advice=ADVICE.get(code),
        permanent=code in (PERMANENT | {NOT_PAYPAL}) or code.startswith("8"),
    )
