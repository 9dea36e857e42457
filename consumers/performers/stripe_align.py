"""Bring the payment side of a Stripe customer in line with the account: level-triggered, whatever was missed.

First the default, then how subscriptions are collected and that they follow the default, then what was removed here
is let go: at each point between, whatever Stripe charges it charges to a method that the account has.
"""

from uuid6 import uuid7

from consumers.performers.stripe_align_default import bring_default
from consumers.performers.stripe_align_release import let_go, unreleased
from consumers.performers.stripe_align_subscriptions import bring_collection
from consumers.performers.stripe_alignment import Alignment
from consumers.performers.stripe_answers import (
    PostponedError,
    RefusedError,
    caller,
    is_missing,
    look,
)
from consumers.performers.stripe_view import view
from consumers.performing import GivenUp, Outcome, Performed, Work
from handlers.payment_effects import align_stripe
from handlers.stripe_projection import SHARED_REASON
from state.postgres import effects
from state.postgres.effects import EffectRow, LeaseLostError
from state.stripe import customers
from state.stripe.client import Stripe
from topics.observation import Observation
from topics.payment_methods import StripeCustomerObserved

GONE = "The customer does not exist at Stripe (any more). Link the account to another one."
UNKNOWN = (
    "Stripe knows no such customer under our key, so that nothing was ended here. "
    "Check the key, or link the account to another one."
)
"""Of a customer that was deleted Stripe says so: one that it never had says nothing of what hung on it."""


async def align_payments(stripe: Stripe, work: Work) -> Outcome:
    """Default, collection methods and removed methods as the account has them. Refuses a shared customer."""
    seen = await view(work)
    generation = seen.effect.generation
    if seen.shared:
        return GivenUp(generation, SHARED_REASON)
    if seen.record is None or seen.customer_id is None:
        kept_nowhere = tuple(method.id for method in unreleased(seen))
        return Performed(generation, Alignment.released(kept_nowhere))
    alignment = Alignment(caller(stripe, work), work, seen, seen.customer_id)
    try:
        await _align(alignment)
    except PostponedError as postponed:
        return postponed.outcome
    except RefusedError as error:
        return GivenUp(generation, error.refused.reason, alignment.facts)
    except LeaseLostError:
        await _ask_again(work)
        raise
    if alignment.refusals:
        return GivenUp(generation, " ".join(alignment.refusals)[:1000], alignment.facts)
    return Performed(generation, alignment.facts)


async def _align(alignment: Alignment) -> None:
    answer = await customers.retrieve(alignment.ask, alignment.customer_id)
    if is_missing(answer):
        alignment.refusals.append(UNKNOWN)
        return
    found, at = look(answer)
    if found.deleted:
        _no_customer(alignment, at)
        return
    default_stands = await bring_default(alignment, found)
    await bring_collection(alignment, found, default_stands=default_stands)
    await let_go(alignment)
    await _still_ours(alignment.work)


def _no_customer(alignment: Alignment, at: Observation) -> None:
    gone = StripeCustomerObserved(
        customer_id=alignment.customer_id, default_payment_method=None, deleted=True, seen=at
    )
    alignment.told.append(gone)
    alignment.let_go += [method.id for method in unreleased(alignment.seen)]
    alignment.refusals.append(GONE)


async def _still_ours(work: Work) -> None:
    """Raise `LeaseLostError` when what was sent may have come after what a successor sent."""
    async with work.store.acquire() as connection:
        await effects.read_again(connection, work.effect, work.worker)


async def _ask_again(work: Work) -> None:
    """What was sent without a lease may have gone over what a successor wrote: somebody has to look."""
    wanted = align_stripe()
    row = EffectRow(
        work.effect.account_id,
        uuid7(),
        wanted.kind,
        wanted.target,
        wanted.coalesce,
        cause=work.effect.cause,
        urgency=work.effect.urgency,
    )
    async with work.store.acquire() as connection:
        await effects.add(connection, [row])
