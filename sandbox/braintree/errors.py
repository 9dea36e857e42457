"""What the gateway says when it refuses: validation errors with their codes, and bare statuses.

Codes: developer.paypal.com/braintree/docs/reference/general/validation-errors/all and the SDK's error_codes.py.
"""

from typing import Any


class Refusal(Exception):
    """A status without a word: 401 for wrong keys, 404 for what is not there."""

    def __init__(self, status: int) -> None:
        super().__init__(str(status))
        self.status = status


class Invalid(Exception):
    """422: a validation error about one attribute of `on`."""

    def __init__(self, on: str, attribute: str, code: str, message: str) -> None:
        super().__init__(message)
        self.on, self.attribute, self.code, self.message = on, attribute, code, message

    def body(self, params: Any) -> dict[str, Any]:
        """The answer's body, with what was sent."""
        error = {"code": self.code, "attribute": self.attribute, "message": self.message}
        return {
            "errors": {"errors": [], self.on: {"errors": [error]}},
            "message": self.message,
            "params": params if isinstance(params, dict) else {},
        }


class Declined(Exception):
    """422: the processor would not verify a card; with the verification that says why."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code, self.text = code, text

    def body(self, params: Any) -> dict[str, Any]:
        """The answer's body."""
        verification = {
            "status": "processor_declined",
            "processor_response_code": self.code,
            "processor_response_text": self.text,
            "processor_response_type": "hard_declined" if self.code in HARD else "soft_declined",
        }
        return {
            "errors": {"errors": []},
            "message": self.text,
            "params": params if isinstance(params, dict) else {},
            "verification": verification,
        }


HARD = frozenset({"2004", "2005", "2010", "2012", "2013", "2014", "2015", "2053", "2057", "2070"})


def id_in_use() -> Invalid:
    """A customer id that is taken."""
    return Invalid("customer", "id", "91609", "Customer ID has already been taken.")


def token_in_use() -> Invalid:
    """A token of the vault that is taken."""
    return Invalid("payment_method", "token", "92906", "Duplicate token exists in the vault.")


def nonce_unknown() -> Invalid:
    """A nonce nobody made, or one that was forgotten after three hours."""
    return Invalid(
        "payment_method", "payment_method_nonce", "93108", "Unknown or expired payment_method_nonce."
    )


def nonce_consumed() -> Invalid:
    """A nonce that was used."""
    return Invalid(
        "payment_method", "payment_method_nonce", "93107", "Cannot use a payment_method_nonce more than once."
    )


def one_time() -> Invalid:
    """PayPal's word for one payment is no agreement to keep."""
    return Invalid(
        "paypal_account", "base", "82902", "PayPal one time use payment methods can not be vaulted."
    )


def customer_invalid() -> Invalid:
    """A customer that is not there."""
    return Invalid("payment_method", "customer_id", "93105", "Customer ID is invalid.")
