"""Another Stripe customer for an account: what hung on the former one is no longer the account's (DOMAIN.md 2).

Nothing ends at Stripe, where the former customer keeps what it has, so nothing ends for good here: linking back
has each object read, and what belongs to the account's customer again is the account's again. But for setups: a
page of this account must not bring the customer of another one a method.
"""

from dataclasses import replace
from typing import Final

from handlers import stripe_customers
from handlers.account import Account
from handlers.decision import Applied, Context, Decision, EffectRequest
from handlers.dispatch import Handler
from handlers.open_setups import OpenSetup, waiting
from handlers.payment_changes import applied
from handlers.payment_effects import align_stripe, read_method, read_subscription
from handlers.payment_method import (
    PAYMENT_METHODS,
    PaymentMethods,
    at,
    left_behind,
    living,
    methods_of,
)
from handlers.payment_setups import closed, release_pending
from handlers.stripe_customers import STRIPE_CUSTOMER, customer_of, read_customer
from handlers.subscription import SUBSCRIPTIONS, Subscription, elsewhere, subscriptions_of
from handlers.subscriptions import told
from topics.payment_methods import MethodState, Processor
from topics.stripe_customers import LinkStripeCustomer


def link(account: Account, command: LinkStripeCustomer, context: Context) -> Decision:
    """Set the link; methods and subscriptions of the former customer end, those left behind before are looked at.

    So is the customer with all that it has, of which nothing may be known here.
    """
    decision = stripe_customers.link(account, command, context)
    if not isinstance(decision, Applied) or not decision.changes:
        return decision
    left = [one for one in subscriptions_of(account).subscriptions.values() if _leaves(one, command)]
    gone = [elsewhere(one, context.now) for one in left]
    methods = applied(account, _without_stripe(account, context), context, effects=_looks(account))
    after = subscriptions_of(account)
    for one in gone:
        after = after.put(one)
    linked = replace(
        decision,
        changes={**decision.changes, **methods.changes, **({SUBSCRIPTIONS: after} if gone else {})},
        events=(*decision.events, *methods.events, *(told(one) for one in gone)),
        effects=(*decision.effects, *methods.effects, *_brought_in_line(account, methods)),
    )
    return closed(account, linked, context, *_of_the_former(account, command))


def _leaves(one: Subscription, command: LinkStripeCustomer) -> bool:
    return one.live and one.customer_id != command.customer_id


def _without_stripe(account: Account, context: Context) -> PaymentMethods:
    """All but what is still being set up, which the processor says the end of itself.

    What came of the customer of an account that has yet to hear of it is looked at: it may be the one that is linked.
    """
    if customer_of(account).customer_id is None:
        return methods_of(account)
    ending = [
        left_behind(one, context.now)
        for one in at(methods_of(account), Processor.STRIPE)
        if not one.gone and one.state is not MethodState.PENDING_SETUP
    ]
    return methods_of(account).put(*ending)


def _looks(account: Account) -> tuple[EffectRequest, ...]:
    """What was left with a former customer may be this one's: a reading says whose it is."""
    unsure = customer_of(account).customer_id is None
    methods = (
        one.details.reference
        for one in at(methods_of(account), Processor.STRIPE)
        if one.elsewhere or (unsure and not one.gone and one.state is not MethodState.PENDING_SETUP)
    )
    subscriptions = (one.id for one in subscriptions_of(account).subscriptions.values() if one.elsewhere)
    return (
        *release_pending(methods_of(account)),
        *map(read_method, methods),
        *map(read_subscription, subscriptions),
        read_customer(),
    )


def _brought_in_line(account: Account, methods: Applied) -> tuple[EffectRequest, ...]:
    """The customer has a default and subscriptions of its own, of which nobody knows how they are collected."""
    known = customer_of(account).customer_id is not None or living(methods_of(account))
    return (align_stripe(),) if known and align_stripe() not in methods.effects else ()


def _of_the_former(account: Account, command: LinkStripeCustomer) -> list[OpenSetup]:
    """Setups that a page may complete at another customer; one that is still being made tells whose it is."""
    return [
        one
        for one in waiting(customer_of(account).setups)
        if one.setup_intent and one.customer_id != command.customer_id
    ]


HANDLERS: Final = (
    Handler(LinkStripeCustomer, link, needs=(STRIPE_CUSTOMER, PAYMENT_METHODS, SUBSCRIPTIONS)),
)
