"""The default of a Stripe customer: the first method of the account's ladder that Stripe keeps."""

from consumers.performers.stripe_alignment import Alignment
from consumers.performers.stripe_answers import PostponedError, done, is_missing, look, time_of
from consumers.performers.stripe_keys import fresh_key
from consumers.performers.stripe_shown import understood_methods
from consumers.performing import Postponed
from consumers.stripe_facts import method_observed
from handlers.payment_method import first_at
from observability.crash import crash_point
from state.stripe import customers, payment_methods
from state.stripe.answers import Refused
from state.stripe.customers import Customer
from topics.observation import Observation
from topics.payment_methods import Processor, StripeMethodObserved


async def bring_default(alignment: Alignment, found: Customer) -> bool:
    """Push it if Stripe has another one; whether it stands there now, so that subscriptions may follow it.

    A default at Stripe of which the account knows nothing, or that it takes for another customer's, is not taken
    away while the account has none of its own to put there: it is told of it instead.
    """
    wanted = first_at(alignment.seen.methods, Processor.STRIPE)
    reference, held = wanted.details.reference if wanted else None, found.default_payment_method
    if held == reference:
        return True
    if reference is None and held is not None and _unknown(alignment, held):
        await _tell(alignment, held)
        return False
    key = fresh_key(alignment.work, alignment.seen.effect.generation, {"default": reference})
    answer = await customers.choose_default(alignment.ask, alignment.customer_id, reference, key=key)
    crash_point("payments.default_chosen")
    if not isinstance(answer, Refused):
        done(answer)
        return True
    if reference is None or not await _lost(alignment, reference):
        alignment.refused("The default payment method", answer)
    return False


def _unknown(alignment: Alignment, reference: str) -> bool:
    row = alignment.seen.methods.referred(reference)
    return row is None or row.elsewhere


async def _tell(alignment: Alignment, reference: str) -> None:
    """Have the account learn of a method that Stripe keeps for it."""
    answer = await payment_methods.retrieve(alignment.ask, reference)
    if is_missing(answer):
        raise PostponedError(Postponed("the default payment method went away meanwhile"))
    found, at = look(answer)
    if understood_methods([found]) and (fact := method_observed(found, at)) is not None:
        alignment.told.append(fact)


async def _lost(alignment: Alignment, reference: str) -> bool:
    """Whether Stripe refuses because the customer has not got the method (any more).

    The account is told whose it is and chooses another one.
    """
    answer = await payment_methods.retrieve(alignment.ask, reference)
    owner, at = None, Observation(at=time_of(answer))
    if not is_missing(answer):
        found, at = look(answer)
        owner = found.customer_id
    if owner == alignment.customer_id:
        return False
    known = alignment.seen.methods.referred(reference)
    if known is not None:
        alignment.told.append(StripeMethodObserved(details=known.details, customer_id=owner, seen=at))
    return True
