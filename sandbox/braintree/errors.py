"""What the gateway says when it refuses: validation errors with their codes, and bare statuses.

Codes: developer.paypal.com/braintree/docs/reference/general/validation-errors/all and the SDK's error_codes.py.
"""

from typing import Any

from sandbox.braintree.processor_responses import response


class Refusal(Exception):
    """A status alone: 403 for a field nobody may send, 404 for what is not there. `why` is for the log of tests."""

    def __init__(self, status: int, why: str = "") -> None:
        super().__init__(why or str(status))
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

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.response = response(code)

    def body(self, params: Any) -> dict[str, Any]:
        """The answer's body."""
        verification = {
            "status": "processor_declined",
            "processor_response_code": self.response.code,
            "processor_response_text": self.response.text,
            "processor_response_type": self.response.type,
        }
        return {
            "errors": {"errors": []},
            "message": self.response.text,
            "params": params if isinstance(params, dict) else {},
            "verification": verification,
        }


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


def belongs_to_another() -> Invalid:
    """A vaulted method can't be had by its nonce for another customer."""
    return Invalid(
        "customer",
        "payment_method_nonce",
        "91617",
        "Vaulted payment instrument nonce belongs to a different customer.",
    )


_TRANSACTION = {
    "amount_required": ("amount", "81502", "Amount is required."),
    "amount_format": ("amount", "81503", "Amount is an invalid format."),
    "amount_negative": ("amount", "81501", "Amount cannot be negative."),
    "amount_zero": ("amount", "81531", "Amount must be greater than zero."),
    "amount_large": ("amount", "81528", "Amount is too large."),
    "order_id_long": ("order_id", "91501", "Order ID is too long."),
    "type_required": ("type", "91524", "Type is required."),
    "type_invalid": ("type", "91523", "Transaction type is invalid."),
    "credits": ("base", "91546", "Credits are not supported by this processor."),
    "api_request_key": ("api_request_key", "915231", "API request key is not allowed."),
    "vault_disabled": ("store_in_vault", "91525", "The vault is disabled for transactions."),
    "transaction_source": ("transaction_source", "915133", "Transaction source is invalid."),
    "merchant_account": ("merchant_account_id", "91513", "Merchant account ID is invalid."),
    "payment_method_conflict": ("base", "91515", "Cannot provide both a payment method token and a nonce."),
    "instrument_required": (
        "base",
        "91508",
        "Need a customer_id, payment_method_token, credit_card, or subscription_id.",
    ),
    "customer": ("customer_id", "91510", "Customer ID is invalid."),
    "customer_without_method": ("customer_id", "91511", "Customer does not have any credit cards."),
    "token": ("payment_method_token", "91518", "Payment method token is invalid."),
    "not_the_customers": ("base", "91516", "Payment method does not belong to the customer."),
    "nonce_consumed": (
        "payment_method_nonce",
        "91564",
        "Cannot use a payment_method_nonce more than once.",
    ),
    "nonce_unknown": ("payment_method_nonce", "91565", "Unknown or expired payment_method_nonce."),
    "void": (
        "base",
        "91504",
        "Transaction can only be voided if status is authorized, submitted_for_settlement, or - for PayPal - "
        "settlement_pending.",
    ),
    "submit": ("base", "91507", "Cannot submit for settlement unless status is authorized."),
    "submit_amount": ("amount", "91522", "Settlement amount cannot be more than the authorized amount."),
    "simulate": (
        "base",
        "91575",
        "Cannot simulate settlement of a transaction that was not submitted for it.",
    ),
    "refund_credit": ("base", "91505", "Cannot refund a credit."),
    "refund_unsettled": ("base", "91506", "Cannot refund a transaction unless it is settled."),
    "refunded": ("base", "91512", "Transaction has already been fully refunded."),
    "refund_amount": ("amount", "91521", "Refund amount is too large."),
}


def on_transaction(what: str) -> Invalid:
    """A validation error about a transaction, by its name here."""
    attribute, code, message = _TRANSACTION[what]
    return Invalid("transaction", attribute, code, message)
