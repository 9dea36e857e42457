"""How an account's subscriptions are collected: derived from its payment methods, never set by hand (DOMAIN.md 4)."""

from typing import Final

from handlers.payment_method import PaymentMethods, first_at
from topics.payment_methods import CollectionMethod, MethodKind, MethodState, Processor
from topics.value import value

DAYS_UNTIL_DUE: Final = 7
"""Stripe wants a term for invoices that are sent; PayPal is charged within it."""


@value
class Derived:
    """The collection method and why it is that.

    `follows`: subscriptions are charged to the customer's default. A payment method of its own, which Stripe charges
    before the default, has to go from each; not while the account has nothing at Stripe to be charged instead.
    """

    value: CollectionMethod
    reason: str
    follows: bool

    @property
    def days_until_due(self) -> int | None:
        """The term of invoices that are sent."""
        return DAYS_UNTIL_DUE if self.value is CollectionMethod.SEND_INVOICE else None

    def met_by(
        self, collected: CollectionMethod, days_until_due: int | None, pinned: str | None = None
    ) -> bool:
        """Whether a subscription that is collected like this, `pinned` to a method of its own, is as it shall be."""
        term = self.days_until_due in (None, days_until_due)
        return collected is self.value and term and (pinned is None or not self.follows)


def derived(methods: PaymentMethods) -> Derived:
    """An active PayPal agreement, even beside a card, has invoices sent; otherwise Stripe charges by itself."""
    paypal = sum(
        one.details.kind is MethodKind.PAYPAL and one.state is MethodState.ACTIVE
        for one in methods.methods.values()
    )
    follows = first_at(methods, Processor.STRIPE) is not None
    if paypal:
        return Derived(
            CollectionMethod.SEND_INVOICE,
            "PayPal is among the active payment methods, so invoices are sent and charged through Braintree.",
            follows,
        )
    return Derived(
        CollectionMethod.CHARGE_AUTOMATICALLY,
        "No PayPal agreement is active, so Stripe charges the payment methods it keeps.",
        follows,
    )


def described(collected: CollectionMethod, days_until_due: int | None, pinned: str | None = None) -> str:
    """As a person is told of it."""
    term = "" if days_until_due is None else f", {days_until_due} days"
    return f"{collected.value}{term}{f', charged to {pinned}' if pinned else ''}"
