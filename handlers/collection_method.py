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

    @property
    def days_until_due(self) -> int | None:
        """The term of invoices that are sent."""
        return DAYS_UNTIL_DUE if self.value is CollectionMethod.SEND_INVOICE else None

    def met_by(self, collected: CollectionMethod, days_until_due: int | None) -> bool:
        """Whether a subscription that is collected like this is collected as it shall be."""
        return collected is self.value and self.days_until_due in (None, days_until_due)


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


def described(collected: CollectionMethod, days_until_due: int | None) -> str:
    """As a person is told of it."""
    return collected.value if days_until_due is None else f"{collected.value}, {days_until_due} days"
