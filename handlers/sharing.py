"""A Stripe customer that several accounts share, and the end of that (DOMAIN.md 2).

Automation keeps off while it is shared. So the account that keeps the customer in the end has what nobody wrote
meanwhile brought in line.
"""

from dataclasses import replace
from typing import Final

from handlers.account import Account
from handlers.decision import Applied, Context, Decision
from handlers.dispatch import Handler
from handlers.payment_effects import align_stripe
from handlers.stripe_customers import STRIPE_CUSTOMER, customer_of
from topics.stripe_customers import StripeCustomerMerged, StripeCustomerShared


def shared(account: Account, fact: StripeCustomerShared, context: Context) -> Decision:
    """Mark the account as merged, or no longer; an older reading than the last one changes nothing.

    Its identity is synced by whoever hears of the event.
    """
    customer = customer_of(account)
    stale = customer.shared_as_of is not None and fact.as_of <= customer.shared_as_of
    if stale or customer.customer_id != fact.customer_id:
        return Applied()
    merged = fact.accounts > 1
    version = customer.version + 1
    after = replace(customer, version=version, merged=merged, shared_as_of=fact.as_of)
    if merged == customer.merged:
        return Applied({STRIPE_CUSTOMER: after})
    event = StripeCustomerMerged(customer_id=fact.customer_id, merged=merged, version=version)
    owed = () if merged or customer.gone else (align_stripe(),)
    return Applied({STRIPE_CUSTOMER: after}, events=(event,), effects=owed)


HANDLERS: Final = (Handler(StripeCustomerShared, shared, needs=(STRIPE_CUSTOMER,)),)
