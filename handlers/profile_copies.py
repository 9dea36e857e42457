"""What a profile shows of the method that is charged first: copies to read, kept with the method (DOMAIN.md 3)."""

from collections.abc import Mapping
from typing import Any, Final

from topics.payment_methods import MethodDetails, MethodKind

FROM_BILLING: Final = {
    f"payment_{name}": name
    for name in ("first_name", "last_name", "address", "address2", "city", "state", "zipcode", "country")
}
"""Copies of what the customer said of the method, by the public API's names."""


def copies(details: MethodDetails | None, billing: Mapping[str, str | None]) -> dict[str, Any]:
    """The fields for a method, JSON-ready; no field without one. The card's are null for what is no card."""
    if details is None:
        return {}
    card = details.kind is MethodKind.CREDIT_CARD
    return {
        "card_number": f"xxxx-xxxx-xxxx-{details.last_four}" if card and details.last_four else None,
        "card_expiry_month": details.exp_month if card else None,
        "card_expiry_year": details.exp_year if card else None,
        "payment_email": details.payer_email,
        **{copy: billing.get(name) for copy, name in FROM_BILLING.items()},
    }
