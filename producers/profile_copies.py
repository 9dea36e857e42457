"""The fields in which a profile shows the method that is charged first, read-only (DOMAIN.md 3)."""

from collections.abc import Mapping
from typing import Any, Final

from pydantic import BaseModel


class ProfileCopies(BaseModel):
    """Of the default payment method, null without one. The card's are null for what is no card."""

    card_number: str | None = None
    card_expiry_month: int | None = None
    card_expiry_year: int | None = None
    payment_email: str | None = None
    payment_first_name: str | None = None
    payment_last_name: str | None = None
    payment_address: str | None = None
    payment_address2: str | None = None
    payment_city: str | None = None
    payment_state: str | None = None
    payment_zipcode: str | None = None
    payment_country: str | None = None


NO_COPIES: Final[Mapping[str, Any]] = dict.fromkeys(ProfileCopies.model_fields)
"""What is shown without a method. A decision leaves it out: most of what is decided about has none."""
