"""Another Stripe customer for an account: what hung on the former one is no longer the account's (DOMAIN.md 2).

Nothing ends at Stripe, where the former customer keeps what it has, so nothing ends for good here: linking back
has each object read, and what belongs to the account's customer again is the account's again.
"""

from dataclasses import replace
from typing import Final

from handlers import stripe_customers
from handlers.account import Account
from handlers.decision import Applied, Context, Decision, EffectRequest
from handlers.dispatch import Handler
from handlers.payment_changes import applied
from handlers.payment_effects import read_method, read_subscription
from handlers.payment_method import (
    PAYMENT_METHODS,
    PaymentMethods,
    at,
    left_behind,
    methods_of,
)
from handlers.stripe_customers import STRIPE_CUSTOMER, customer_of
from handlers.subscription import SUBSCRIPTIONS, Subscription, elsewhere, subscriptions_of
from handlers.subscriptions import told
from topics.payment_methods import MethodState, Processor
from topics.stripe_customers import LinkStripeCustomer


def link(account: Account, command: LinkStripeCustomer, context: Context) -> Decision:
    """Set the link; methods and subscriptions of the former customer end, those left behind before are looked at."""
    former = customer_of(account).customer_id
    decision = stripe_customers.link(account, command, context)
    if not isinstance(decision, Applied) or not decision.changes or former is None:
        return decision
    looks = _looks(account)
    left = [one for one in subscriptions_of(account).subscriptions.values() if _leaves(one, command)]
    gone = [elsewhere(one, context.now) for one in left]
    methods = applied(account, _without_stripe(account, context), context, effects=looks)
    after = subscriptions_of(account)
    for one in gone:
        after = after.put(one)
    return replace(
        decision,
        changes={**decision.changes, **methods.changes, **({SUBSCRIPTIONS: after} if gone else {})},
        events=(*decision.events, *methods.events, *(told(one) for one in gone)),
        effects=(*decision.effects, *methods.effects),
    )


def _leaves(one: Subscription, command: LinkStripeCustomer) -> bool:
    return one.live and one.customer_id != command.customer_id


def _without_stripe(account: Account, context: Context) -> PaymentMethods:
    """All but what is still being set up, which the processor says the end of itself."""
    ending = [
        left_behind(one, context.now)
        for one in at(methods_of(account), Processor.STRIPE)
        if not one.gone and one.state is not MethodState.PENDING_SETUP
    ]
    return methods_of(account).put(*ending)


def _looks(account: Account) -> tuple[EffectRequest, ...]:
    """What was left with a former customer may be this one's: a reading says whose it is."""
    methods = (one.details.reference for one in methods_of(account).methods.values() if one.elsewhere)
    subscriptions = (one.id for one in subscriptions_of(account).subscriptions.values() if one.elsewhere)
    return (*map(read_method, methods), *map(read_subscription, subscriptions))


HANDLERS: Final = (
    Handler(LinkStripeCustomer, link, needs=(STRIPE_CUSTOMER, PAYMENT_METHODS, SUBSCRIPTIONS)),
)
