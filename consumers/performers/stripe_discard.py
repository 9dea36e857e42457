"""Delete a customer at Stripe that was made for an account and belongs to nobody."""

from consumers.performers.stripe_answers import PostponedError, RefusedError, caller, done
from consumers.performing import GivenUp, Outcome, Performed, Work
from observability.crash import crash_point
from state.postgres import stripe_customers
from state.stripe import customers, payment_methods, subscriptions
from state.stripe.answers import Refused
from state.stripe.client import Caller, Stripe


async def discard_customer(stripe: Stripe, work: Work) -> Outcome:
    """Delete it if nobody is linked to it, it was made for this account, and nothing was done with it.

    Deleting takes payment methods and subscriptions along and can't be undone, so any doubt is for support.
    """
    customer_id = str(work.effect.payload["customer_id"])
    async with work.store.acquire() as connection:
        held = await stripe_customers.holders(connection, [customer_id])
    if customer_id in held:
        return Performed(work.effect.generation)
    try:
        reason = await _discard(caller(stripe, work), work, customer_id)
    except PostponedError as postponed:
        return postponed.outcome
    except RefusedError as error:
        reason = error.refused.reason
    return GivenUp(work.effect.generation, reason) if reason else Performed(work.effect.generation)


async def _held(ask: Caller, customer_id: str) -> str | None:
    """What would go with the customer; None when there is nothing."""
    if done(await payment_methods.listed(ask, customer_id)):
        return f"The customer {customer_id} has a payment method, so it was not deleted."
    if done(await subscriptions.listed(ask, customer_id)):
        return f"The customer {customer_id} has a subscription, so it was not deleted."
    return None


async def _discard(ask: Caller, work: Work, customer_id: str) -> str | None:
    """None when the customer is gone, else why it was left alone."""
    answer = await customers.retrieve(ask, customer_id)
    if isinstance(answer, Refused) and answer.missing:
        return None
    found = done(answer)
    if found.deleted:
        return None
    if found.account_id != work.effect.account_id:
        return f"The customer {customer_id} was not made for this account, so it was not deleted."
    if found.in_use:
        return f"The customer {customer_id} has a payment method or a balance, so it was not deleted."
    if reason := await _held(ask, customer_id):
        return reason
    deleted = await customers.delete(ask, customer_id)
    crash_point("stripe.discarded")
    if not (isinstance(deleted, Refused) and deleted.missing):
        done(deleted)
    return None
