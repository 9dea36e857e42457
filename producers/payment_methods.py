"""Payment methods as clients send them, on every surface: what becomes a command, and what is handed over beside it."""

import re
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, model_validator

from handlers.decision import Problem
from handlers.payment_method import BILLING_FIELDS
from producers.card_numbers import card_numbers
from producers.http.errors import not_found
from producers.http.mistakes import mistaken
from topics.accounts import Version
from topics.payment_methods import (
    METHOD_ID_PATTERN,
    AddPaymentMethod,
    EditPaymentMethod,
    MethodBilling,
    MethodKind,
    MethodState,
)

_METHOD_ID: Final = re.compile(METHOD_ID_PATTERN)
_PAYMENT_METHOD: Final = re.compile(r"pm_[A-Za-z0-9_]{1,64}")
_SETUP_INTENT: Final = re.compile(r"seti_[A-Za-z0-9]{1,64}")
Secret = Annotated[str, Field(max_length=16_384)]


class MethodShown(MethodBilling):
    """A payment method. Of a card the last four digits are known, never the number."""

    id: str
    type: MethodKind
    status: MethodState | str
    default: bool
    last_four: str | None = None
    expiration_date: str | None = None
    brand: str | None = None
    wallet: str | None = None
    payment_gateway: str | None = None
    payment_email: str | None = None
    payment_account_email: str | None = None
    bank_name: str | None = None
    bank_country: str | None = None
    bank_code: str | None = None
    bank_account_type: str | None = None
    cashapp_cash_tag: str | None = None
    reason: str | None = None
    version: int
    client_secret: str | None = None
    intent_type: str | None = None
    deadline: str | None = None


READ_ONLY: Final = frozenset(MethodShown.model_fields) - frozenset(MethodBilling.model_fields) - {
    "type",
    "default",
} | {
    "bank_routing_number",
    "created_on",
    "edited_on",
}
"""What a method is shown with, or what its processor knows better: a client may send all of it back."""


class SetupShown(BaseModel):
    """A setup intent that waits for the customer: confirm it with Stripe.js and this client secret."""

    client_secret: str
    intent_type: str


class MethodRemoved(BaseModel):
    """The method that is gone."""

    id: str


class _Given(MethodBilling):
    """What may be sent of a method. Raises 1400 for what looks like a card number, whichever field has it."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    @model_validator(mode="before")
    @classmethod
    def _without_read_only(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        read = {name: value for name, value in given.items() if name != "device_data"}
        found = card_numbers(read, opaque=("payment_nonce",))
        if found:
            raise mistaken(found)
        return {name: value for name, value in given.items() if name not in READ_ONLY - {"payment_gateway"}}

    def billing(self) -> dict[str, Any]:
        """What was sent of name and address."""
        return {name: getattr(self, name) for name in BILLING_FIELDS if name in self.model_fields_set}


class MethodGiven(_Given):
    """A method to keep. `payment_nonce` is what its processor's page made of it.

    For PAYPAL a nonce of Braintree, with its `device_data`; for all others a payment method (pm_...) or a
    confirmed setup intent (seti_...) of Stripe.
    """

    type: MethodKind
    payment_nonce: Secret = Field(repr=False)
    device_data: Secret | None = Field(None, repr=False)
    payment_gateway: Annotated[str, Field(max_length=64)] | None = None
    default: bool = False

    def command(self) -> AddPaymentMethod:
        """The command, which names nothing secret. Raises 1400 for a nonce that is not of its kind."""
        named: dict[str, Any] = {}
        if self.type is not MethodKind.PAYPAL:
            if _PAYMENT_METHOD.fullmatch(self.payment_nonce):
                named["payment_method"] = self.payment_nonce
            elif _SETUP_INTENT.fullmatch(self.payment_nonce):
                named["setup_intent"] = self.payment_nonce
            else:
                raise _bad_nonce(
                    "Send a payment method (pm_...) or a confirmed setup intent (seti_...) of Stripe."
                )
        elif not self.payment_nonce.strip():
            raise _bad_nonce("Send the nonce that Braintree's page made.")
        return AddPaymentMethod(method_kind=self.type, default=self.default, **named, **self.billing())

    def secrets(self) -> dict[str, str]:
        """What is handed over to whoever keeps the method, beside the command (DESIGN.md 4, law 11)."""
        if self.type is not MethodKind.PAYPAL:
            return {}
        device = {"device_data": self.device_data} if self.device_data else {}
        return {"nonce": self.payment_nonce, **device}


class MethodEdited(_Given):
    """What to change of a method; what is not named stays. `expected_version` guards against a concurrent change."""

    type: MethodKind | None = None
    payment_nonce: Secret | None = Field(None, repr=False)
    device_data: Secret | None = Field(None, repr=False)
    payment_gateway: Annotated[str, Field(max_length=64)] | None = None
    default: bool = False
    expected_version: Version | None = None

    def command(self, method_id: str) -> EditPaymentMethod:
        """The command. Raises 1400 for a nonce: another card is another method."""
        if self.payment_nonce is not None:
            raise _bad_nonce("A method is not exchanged by an edit: add the new one, then remove this one.")
        given = self.billing()
        if self.expected_version is not None:
            given["expected_version"] = self.expected_version
        return EditPaymentMethod(method_id=method_id, default=self.default, **given)


def method_id(text: str) -> str:
    """The id in a path. Raises 1404 for what can't be one."""
    if not _METHOD_ID.fullmatch(text):
        raise not_found("There is no such payment method.")
    return text


def _bad_nonce(advice: str) -> Exception:
    return mistaken((Problem("/payment_nonce", advice),))
