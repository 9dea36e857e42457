"""How an account's subscriptions are collected: derived from its payment methods, never set by hand (DOMAIN.md 4)."""

from typing import Final

from handlers.payment_method import PaymentMethods
from topics.payment_methods import CollectionMethod, MethodKind, MethodState
from topics.value import value

DAYS_UNTIL_DUE: Final = 7
"""Stripe wants a term for invoices that are sent; PayPal is charged within it."""


@value
class Derived:
    """The collection method and why it is that."""

    value: CollectionMethod
    reason: str


def derived(methods: PaymentMethods) -> Derived:
    """An active PayPal agreement, even beside a card, has invoices sent; otherwise Stripe charges by itself."""
    paypal = sum(
        one.details.kind is MethodKind.PAYPAL and one.state is MethodState.ACTIVE
        for one in methods.methods.values()
    )
    if paypal:
        return Derived(
            CollectionMethod.SEND_INVOICE,
            "PayPal is among the active payment methods, so invoices are sent and charged through Braintree.",
        )
    return Derived(
        CollectionMethod.CHARGE_AUTOMATICALLY,
        "No PayPal agreement is active, so Stripe charges the payment methods it keeps.",
    )
