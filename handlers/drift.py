"""What a difference between our store and the processors is, and the decision to end one (DESIGN.md 7)."""

from enum import StrEnum
from typing import Final

from handlers.account import Account
from handlers.decision import Applied, Context, Decision, EffectRequest, Refused
from handlers.dispatch import Handler, only_support
from handlers.payment_effects import (
    align_braintree,
    align_stripe,
    read_braintree,
    read_method,
    read_subscription,
)
from handlers.payment_method import PAYMENT_METHODS, PaymentMethods, methods_of
from handlers.stripe_customers import STRIPE_CUSTOMER, customer_of, discard_customer
from handlers.subscription import SUBSCRIPTIONS, Subscriptions, subscriptions_of
from topics.codes import Code
from topics.drift import DiscardStripeCustomer, RepairDrift
from topics.payment_methods import MethodState
from topics.stripe_customers import StripeSyncRequested
from topics.value import value


class Cause(StrEnum):
    """Why two stores probably disagree."""

    MISSED_WEBHOOK = "missed_webhook"
    """The processor is canonical for it, and we were not told or did not hear."""
    CHANGED_AT_PROCESSOR = "changed_at_processor"
    """We wrote it there, and somebody else wrote over it."""
    FAILED_EFFECT = "failed_effect"
    """We owe it to the processor, and it was refused or does not go through."""
    MERGED = "merged"
    """Several accounts share the customer: it can't be as each of them wants it."""
    NOT_MIGRATED = "not_migrated"
    """A PayPal method that the migration has yet to move: of another customer, under a nonce or a card's token."""
    CUSTOMER_DELETED = "customer_deleted"
    """The customer was deleted at Stripe, which the account knows: somebody has to link it to another one."""
    NOT_UNDERSTOOD = "not_understood"
    """The processor shows what this version does not know: it is not compared, and what is known of it stays."""


BEYOND_REPAIR: Final = (Cause.MERGED, Cause.NOT_MIGRATED, Cause.CUSTOMER_DELETED, Cause.NOT_UNDERSTOOD)
"""What no repair ends: a person, the PayPal migration or another version does."""


@value
class Difference:
    """A field in which an account and a processor disagree; None is an object that one of them does not have.

    Fields are `name`, `metadata.<key>`, `payment_methods.<id>.<detail>`, `subscriptions.<id>.<field>`,
    `agreements.<token>`...; values are text for people.
    """

    processor: str
    field: str
    ours: str | None
    theirs: str | None
    cause: Cause


IN_FLIGHT: Final = "Try again when it has ended, or in an hour at the latest."


def payment_in_flight(methods: PaymentMethods, subscriptions: Subscriptions) -> str | None:
    """The sentence that says which payment or authentication is under way; None when nothing is."""
    pending = [one for one in methods.methods.values() if one.state is MethodState.PENDING_SETUP]
    if any(not one.verifying for one in pending):
        return f"A payment method is being set up. {IN_FLIGHT}"
    if any(one.starting for one in subscriptions.subscriptions.values()):
        return f"The first payment of a subscription is under way. {IN_FLIGHT}"
    return None


def repair(account: Account, command: RepairDrift, context: Context) -> Decision:
    """Owe what ends the differences. Refused for shared customers (1308) and payments in flight (1307).

    Level-triggered like everything that is owed: what agrees by then is left alone, so doing it twice does nothing.
    """
    if refused := only_support(context.actor, "repair an account"):
        return refused
    if customer_of(account).merged:
        return Refused(
            Code.MERGED_ACCOUNT,
            "Several accounts share this Stripe customer, so nothing is repaired automatically. "
            "Give each account a customer of its own first.",
        )
    if reason := payment_in_flight(methods_of(account), subscriptions_of(account)):
        return Refused(Code.TRANSACTIONS_IN_PROGRESS, reason)
    return Applied(events=(StripeSyncRequested(),) if command.customer else (), effects=_owed(command))


def _owed(command: RepairDrift) -> tuple[EffectRequest, ...]:
    """Readings first: what they bring may change what is to be written."""
    return (
        *(read_method(reference) for reference in command.payment_methods),
        *(read_subscription(reference) for reference in command.subscriptions),
        *(read_braintree(reference) for reference in command.agreements),
        *((align_stripe(),) if command.collection else ()),
        *((align_braintree(),) if command.vault else ()),
    )


def discard(account: Account, command: DiscardStripeCustomer, context: Context) -> Decision:
    """Owe the deletion. The effect looks first: a customer that is linked or in use is left alone."""
    if refused := only_support(context.actor, "delete a customer at Stripe"):
        return refused
    if customer_of(account).customer_id == command.customer_id:
        return Refused(
            Code.VERSION_CONFLICT,
            "It is the account's own Stripe customer. Link the account to another one first.",
        )
    return Applied(effects=(discard_customer(command.customer_id),))


HANDLERS: Final = (
    Handler(RepairDrift, repair, needs=(STRIPE_CUSTOMER, PAYMENT_METHODS, SUBSCRIPTIONS)),
    Handler(DiscardStripeCustomer, discard, needs=(STRIPE_CUSTOMER,), unknown_account=True),
)
