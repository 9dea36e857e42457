"""An address for the invoices that are to be sent: Stripe flips no subscription of a customer without an e-mail.

The sync that the same change owes comes after the alignment, so that the alignment writes the one field it needs.
"""

from consumers.performers.stripe_alignment import Alignment
from consumers.performers.stripe_answers import done
from consumers.performers.stripe_keys import fresh_key
from observability.crash import crash_point
from state.postgres import stripe_holdings
from state.stripe import customers
from state.stripe.answers import Refused


async def give_email(alignment: Alignment) -> None:
    """Write the e-mail that the customer shall have, if it shall have one. A refusal is for support.

    In doubt from then on: a sync that follows must not trust what was known of the customer before.
    """
    email = alignment.seen.desired.email
    if not email:
        return
    work, params = alignment.work, {"email": email}
    async with work.store.acquire() as connection:
        await stripe_holdings.note(connection, work.effect, work.worker, alignment.customer_id, None)
    crash_point("payments.email_in_doubt")
    key = fresh_key(work, alignment.seen.effect.generation, params)
    answer = await customers.update(alignment.ask, alignment.customer_id, params, key=key)
    crash_point("payments.email_given")
    if isinstance(answer, Refused):
        alignment.refused(alignment.customer_id, answer)
    else:
        done(answer)
