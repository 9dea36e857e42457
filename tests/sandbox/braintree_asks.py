"""What the tests of the double of Braintree ask its real SDK for, again and again."""

from typing import Any

import braintree

ACCOUNT = "a" * 32
AGREEMENT_NONCE = "fake-paypal-billing-agreement-nonce"
VISA_NONCE = "fake-valid-visa-nonce"


def vaulted(gateway: braintree.BraintreeGateway, nonce: str, **given: Any) -> Any:
    """The result of keeping what a nonce stands for."""
    return gateway.payment_method.create(
        {"customer_id": ACCOUNT, "payment_method_nonce": nonce, "options": given.pop("options", {}), **given}
    )


def paying(gateway: braintree.BraintreeGateway, nonce: str = AGREEMENT_NONCE, token: str = "t1") -> str:
    """The token of a method that can be charged, below a customer of its own."""
    gateway.customer.create({"id": ACCOUNT, "email": "a@example.com"})
    assert vaulted(gateway, nonce, token=token).is_success
    return token


def sold(gateway: braintree.BraintreeGateway, amount: str = "10.00", **given: Any) -> Any:
    """The result of a sale, submitted for settlement unless `submit=False`, paid by t1 unless said otherwise."""
    options = {"submit_for_settlement": given.pop("submit", True)}
    paid_by = {} if {"payment_method_nonce", "customer_id"} & set(given) else {"payment_method_token": "t1"}
    return gateway.transaction.sale({"amount": amount, "options": options, **paid_by, **given})


def codes(result: Any) -> list[str]:
    """The codes of a validation error."""
    return [str(error.code) for error in result.errors.deep_errors]
