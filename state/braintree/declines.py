"""Why a processor behind Braintree says no: for good or for now, and what a customer may be told.

Source: developer.paypal.com/braintree/articles/control-panel/transactions/declines (hard and soft declines).
"""

from collections.abc import Mapping
from typing import Final

from state.stripe.answers import Declined

PERMANENT: Final = frozenset(
    {
        *("2004", "2005", "2006", "2007", "2008", "2009", "2010", "2011", "2012", "2013", "2014", "2015"),
        *("2017", "2018", "2019", "2020", "2022", "2024", "2027", "2028", "2029", "2030", "2031", "2032"),
        *("2036", "2039", "2041", "2043", "2044", "2045", "2047", "2049", "2051", "2053", "2055", "2056"),
        *("2060", "2061", "2062", "2063", "2064", "2065", "2066", "2067", "2068", "2069", "2070", "2071"),
        *("2072", "2073", "2074", "2075", "2079", "2081", "2082", "2083", "2091", "2092", "2093", "2094"),
        *("2096", "2097", "2098", "2101", "2102", "2103", "2104", "2106", "2107", "2108", "2109"),
    }
)
"""2070: the payer took the agreement back at PayPal. Never tried again; a new method is asked for."""

SENTENCES: Final[Mapping[str, str]] = {
    "2001": "The payment method has insufficient funds.",
    "2004": "The card has expired.",
    "2010": "The card's security code is incorrect.",
    "2069": "PayPal does not allow a second payment of this kind.",
    "2070": "The PayPal agreement was revoked. Connect PayPal again to pay with it.",
    "2071": "PayPal asks the payer to sort something out with PayPal first.",
    "82902": "PayPal was asked for one payment, not for an agreement. Connect PayPal again.",
    "93107": "This PayPal authorisation was used before. Connect PayPal again.",
    "93108": "This PayPal authorisation has expired. Connect PayPal again.",
}
DECLINED: Final = "The payment method was declined."


def declined(code: str, text: str, *, status: int = 422) -> Declined:
    """The refusal of a processor, or of a nonce, by its code. `text` is Braintree's, for support."""
    return Declined(
        reason=f"Braintree: {text} ({code})",
        status=status,
        code=code,
        decline_code=code,
        sentence=SENTENCES.get(code, DECLINED),
        permanent=code in PERMANENT or code.startswith("8"),
    )
