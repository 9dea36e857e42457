"""The customer at Stripe that an account's payment methods are kept for, made when the account has none."""

from consumers.performers.stripe_reservation import customer_to_sync
from consumers.performers.stripe_view import View
from consumers.performing import Work
from handlers.stripe_projection import bare, digest
from state.postgres import stripe_holdings
from state.stripe.client import Caller
from topics.message import Fact
from topics.stripe_customers import StripeCustomerSynced


async def payer(ask: Caller, work: Work, seen: View) -> tuple[str, tuple[Fact, ...]]:
    """The account's customer, and what the account has to be told of it. Raises `RefusedError`, `PostponedError`.

    Told as long as the account does not know its customer, be it made here or by work that was cut off.
    """
    customer_id = await customer_to_sync(ask, work, seen, needed=True)
    if customer_id is None:
        raise LookupError("a customer that is needed is made")
    if seen.customer.customer_id is not None:
        return customer_id, ()
    known = seen.holding.projection if seen.holding.customer_id == customer_id else None
    async with work.store.acquire() as connection:
        at = await stripe_holdings.note(connection, work.effect, work.worker, customer_id, known)
    held = known or digest(bare(seen.effect.account_id))
    told = StripeCustomerSynced(customer_id=customer_id, projection=held, synced_at=at, created=True)
    return customer_id, (told,)
