"""Braintree's webhooks: signed by the merchant's keys, and what one says as a plain value."""

from base64 import decodebytes
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from braintree import BraintreeGateway, Configuration, Environment
from braintree.exceptions.invalid_challenge_error import InvalidChallengeError
from braintree.exceptions.invalid_signature_error import InvalidSignatureError
from braintree.util.xml_util import XmlUtil

CHECK: Final = "check"
"""The kind of a notification that only tries the endpoint."""
REVOKED: Final = "payment_method_revoked_by_customer"
SETTLED: Final = "transaction_settled"
READ: Final = frozenset({REVOKED, SETTLED})
"""The kinds that say something to us. Some of the others show nonces, so none of them is kept."""
_SUBJECTS: Final = ("paypal_account", "credit_card", "revoked_payment_method_metadata", "transaction")


class BadSignatureError(Exception):
    """Nobody who has the keys sent this. Its text is for the log."""


class UnreadableError(Exception):
    """It was signed, but is not what Braintree documents. Its text is for the log."""


@dataclass(frozen=True, slots=True)
class Notice:
    """What a notification says: its kind, when it was made, whose it is, and the vault's token, if any."""

    kind: str
    at: datetime
    customer_id: str | None = None
    token: str | None = None
    subject: dict[str, Any] | None = None


class Keys:
    """The merchant's keys, which sign its webhooks. Raises `ValueError` for an empty one."""

    def __init__(self, *, merchant_id: str, public_key: str, private_key: str) -> None:
        if not (merchant_id and public_key and private_key):
            raise ValueError(
                "Braintree's webhooks need the merchant's keys; anybody can sign with empty ones"
            )
        configuration = Configuration(Environment.Sandbox, merchant_id, public_key, private_key)
        self._webhooks = BraintreeGateway(configuration).webhook_notification

    def challenge(self, text: str) -> str:
        """The answer that proves the endpoint is the merchant's. Raises `BadSignatureError`."""
        try:
            return str(self._webhooks.verify(text))
        except InvalidChallengeError as error:
            raise BadSignatureError(str(error)) from None

    def verify(self, signature: str, payload: str) -> Notice:
        """What a signed notification says. Raises `BadSignatureError` or `UnreadableError`."""
        try:
            self._webhooks.parse(signature, payload)
        except InvalidSignatureError as error:
            raise BadSignatureError(str(error)) from None
        except Exception as error:  # the SDK lets its XML parser's and its own errors through
            raise UnreadableError(type(error).__name__) from None
        return read(payload)


def read(payload: str) -> Notice:
    """What a payload says that was verified before. Raises `UnreadableError`."""
    try:
        told: dict[str, Any] = XmlUtil.dict_from_xml(decodebytes(payload.encode()))["notification"]
        return _notice(told)
    except Exception as error:
        raise UnreadableError(type(error).__name__) from None


def _notice(told: dict[str, Any]) -> Notice:
    about: dict[str, Any] = told.get("subject") or {}
    name = next((one for one in _SUBJECTS if isinstance(about.get(one), dict)), None)
    subject: dict[str, Any] = about[name] if name else about
    customer: dict[str, Any] = subject.get("customer") or {}
    at: datetime = told["timestamp"]
    return Notice(
        kind=str(told["kind"]),
        at=at if at.tzinfo else at.replace(tzinfo=UTC),
        customer_id=subject.get("customer_id") or customer.get("id"),
        token=subject.get("token") or (subject.get("paypal") or {}).get("token"),
        subject=subject,
    )
