"""Bring one account's Stripe customer up to date: level-triggered, one update however many changes.

Each step is on record before the next begins, so that whoever follows a performer that was killed knows
where to start: a reservation before a customer is made, doubt before an update, the digest after it.
"""

from datetime import datetime

from consumers.performers.stripe_answers import PostponedError, RefusedError, caller, done
from consumers.performers.stripe_keys import fresh_key
from consumers.performers.stripe_reservation import customer_to_sync
from consumers.performers.stripe_view import View, view
from consumers.performing import GivenUp, Outcome, Performed, Work
from consumers.sync_effect import FORCE, sync_row
from handlers.stripe_projection import SHARED_REASON, bare, digest
from observability.crash import crash_point
from state.postgres import effects, stripe_holdings
from state.postgres.effects import LeaseLostError
from state.stripe import customers
from state.stripe.answers import Refused
from state.stripe.client import Caller, Stripe
from state.stripe.customers import Customer, differing, parameters, tax_id_changes
from topics.message import Fact
from topics.stripe_customers import StripeCustomerSynced, StripeCustomerSyncFailed


async def sync_customer(stripe: Stripe, work: Work) -> Outcome:
    """Make Stripe hold what the account says by now. Refuses a customer that several accounts share."""
    seen = await view(work)
    if seen.record is None:
        return Performed(seen.effect.generation)
    ask, customer_id = caller(stripe, work), seen.customer.customer_id
    try:
        customer_id = await customer_to_sync(ask, work, seen)
        if seen.shared:
            return await _given_up(work, seen, customer_id, SHARED_REASON)
        if customer_id is None:
            return Performed(seen.effect.generation)
        return await _up_to_date(ask, work, seen, customer_id)
    except PostponedError as postponed:
        return postponed.outcome
    except RefusedError as error:
        if error.refused.missing:
            return await _gone(work, seen, customer_id)
        return await _given_up(work, seen, customer_id, error.refused.reason)


async def _up_to_date(ask: Caller, work: Work, seen: View, customer_id: str) -> Outcome:
    wanted, forced = digest(seen.desired), bool(seen.effect.payload.get(FORCE))
    worked_on = seen.holding.customer_id == customer_id
    if worked_on and seen.holding.projection == wanted and not forced:
        told = seen.customer.customer_id == customer_id and seen.customer.projection == wanted
        return Performed(seen.effect.generation) if told else await _held(work, seen, customer_id, wanted)
    found = None
    if worked_on and seen.holding.projection is None:
        found = done(await customers.retrieve(ask, customer_id))
        if found.deleted:
            return await _gone(work, seen, customer_id)
    await _note(work, customer_id, None)
    crash_point("stripe.in_doubt")
    try:
        await _write(ask, work, seen, customer_id, None if forced else found)
        return await _held(work, seen, customer_id, wanted)
    except LeaseLostError:
        await _ask_again(work)
        raise


async def _write(ask: Caller, work: Work, seen: View, customer_id: str, found: Customer | None) -> None:
    """Write what differs from `found`, everything when that is not known."""
    if found is None or differing(found, seen.desired):
        params = parameters(seen.desired)
        found = done(
            await customers.update(
                ask, customer_id, params, key=fresh_key(work, seen.effect.generation, params)
            )
        )
        crash_point("stripe.updated")
    if seen.desired.tax_ids is None:
        return
    missing, surplus = tax_id_changes(found.tax_ids or (), seen.desired.tax_ids)
    for one in missing:
        key = fresh_key(work, seen.effect.generation, {one.type: one.value})
        done(await customers.create_tax_id(ask, customer_id, one.type, one.value, key=key))
        crash_point("stripe.tax_id_created")
    for held in surplus:
        answer = await customers.delete_tax_id(ask, customer_id, held.id)
        if not (isinstance(answer, Refused) and answer.missing):
            done(answer)
        crash_point("stripe.tax_id_deleted")


async def _held(work: Work, seen: View, customer_id: str, wanted: str) -> Performed:
    """Stripe holds it: remember, and tell the account."""
    at = await _note(work, customer_id, wanted)
    crash_point("stripe.noted")
    return Performed(seen.effect.generation, (_synced(seen, customer_id, wanted, at),))


async def _gone(work: Work, seen: View, customer_id: str | None) -> GivenUp:
    reason = (
        f"The customer {customer_id} does not exist at Stripe (any more). Link the account to another one."
    )
    at = await _note(work, customer_id, None)
    return GivenUp(seen.effect.generation, reason, (_failed(seen, reason, at),))


async def _given_up(work: Work, seen: View, customer_id: str | None, reason: str) -> GivenUp:
    """Say why. A customer that was made all the same is the account's from now on."""
    results: list[Fact] = []
    if customer_id and seen.customer.customer_id is None:
        at = await _note(work, customer_id, None)
        results.append(_synced(seen, customer_id, digest(bare(seen.effect.account_id)), at))
    results.append(_failed(seen, reason, await _note(work, customer_id, None)))
    return GivenUp(seen.effect.generation, reason, tuple(results))


async def _note(work: Work, customer_id: str | None, projection: str | None) -> datetime:
    async with work.store.acquire() as connection:
        return await stripe_holdings.note(connection, work.effect, work.worker, customer_id, projection)


async def _ask_again(work: Work) -> None:
    """What was sent without a lease may have gone over what a successor wrote: somebody has to look."""
    row = sync_row(work.effect.account_id, cause=work.effect.cause, urgency=work.effect.urgency, force=True)
    async with work.store.acquire() as connection:
        await effects.add(connection, [row])


def _synced(seen: View, customer_id: str, projection: str, at: datetime) -> StripeCustomerSynced:
    return StripeCustomerSynced(
        customer_id=customer_id,
        projection=projection,
        synced_at=at,
        created=seen.customer.customer_id is None,
    )


def _failed(seen: View, reason: str, at: datetime) -> StripeCustomerSyncFailed:
    return StripeCustomerSyncFailed(reason=reason[:500], projection=digest(seen.desired), failed_at=at)
