"""Look at a customer and at all that it pays with: what came to be without us, or before the link, is learned.

Told as any other look at these objects, so that doing it twice, or late, changes nothing.
"""

from dataclasses import replace

from consumers.performers.stripe_align import UNKNOWN
from consumers.performers.stripe_answers import (
    PostponedError,
    RefusedError,
    caller,
    is_missing,
    look,
)
from consumers.performers.stripe_reads import method_told
from consumers.performers.stripe_shown import noted, understood, understood_methods
from consumers.performers.stripe_view import View, view
from consumers.performing import GivenUp, Outcome, Performed, Postponed, Work
from consumers.stripe_facts import method_observed, subscription_observed
from handlers.payment_method import at
from observability.crash import crash_point
from state.stripe import customers, payment_methods, subscriptions
from state.stripe.client import Caller, Stripe
from state.stripe.customers import Customer
from state.stripe.odd import NotUnderstoodError
from state.stripe.payment_methods import Method
from topics.message import Fact
from topics.observation import Observation
from topics.payment_methods import MethodState, Processor, StripeCustomerObserved

AWAY = "the customer went away meanwhile"


async def read_customer(stripe: Stripe, work: Work) -> Outcome:
    """Tell of every method and subscription of the account's customer, and of the customer, or that it was deleted.

    Nothing is written, so that of a customer that several accounts share each of them is told.
    """
    seen = await view(work)
    generation, customer_id = seen.effect.generation, seen.customer.customer_id
    if seen.record is None or customer_id is None:
        return Performed(generation)
    try:
        told = await _shown(caller(stripe, work), seen, customer_id)
    except PostponedError as postponed:
        return postponed.outcome
    except RefusedError as error:
        return GivenUp(generation, error.refused.reason)
    crash_point("payments.customer_read")
    return Performed(generation, told)


async def _shown(ask: Caller, seen: View, customer_id: str) -> tuple[Fact, ...]:
    """The customer last: whether its default is ours is judged by methods that are known by then."""
    answer = await customers.retrieve(ask, customer_id)
    if is_missing(answer):
        raise RefusedError(replace(answer, reason=UNKNOWN))
    found, moment = look(answer)
    if found.deleted:
        return (_customer(customer_id, None, moment),)
    methods = await _methods(ask, seen, found)
    return (*methods, *await _subscriptions(ask, customer_id), _customer(customer_id, found, moment))


async def _methods(ask: Caller, seen: View, customer: Customer) -> list[Fact]:
    """What Stripe lists, and each that is ours and not in the list, which says nothing of where it went.

    The default comes first: to an account that has nothing else to charge it is the one that is chosen.
    """
    there: dict[str, tuple[Method, Observation]] = {}
    async for page in payment_methods.of_customer(ask, customer.id):
        if is_missing(page):
            raise PostponedError(Postponed(AWAY))
        listed, moment = look(page)
        there.update((one.id, (one, moment)) for one in listed)
    default = customer.default_payment_method
    told: list[Fact] = []
    known = {one.id for one in understood_methods([one for one, _ in there.values()])}
    shown = [(one, moment) for one, moment in there.values() if one.id in known]
    for one, moment in sorted(shown, key=lambda shown: shown[0].id != default):
        if (found := method_observed(one, moment, default=one.id == default)) is not None:
            told.append(found)
    for reference in _kept(seen):
        if reference not in there and (fact := await _alone(ask, seen, reference)) is not None:
            told.append(fact)
    return told


async def _alone(ask: Caller, seen: View, reference: str) -> Fact | None:
    """One that the list lacks; None too for one that is not understood, which holds up none of the others."""
    try:
        return await method_told(ask, seen, reference)
    except NotUnderstoodError as odd:
        noted(reference, seen.customer_id, str(odd))
        return None


def _kept(seen: View) -> list[str]:
    return [
        one.details.reference
        for one in at(seen.methods, Processor.STRIPE)
        if not one.gone and one.state is not MethodState.PENDING_SETUP
    ]


async def _subscriptions(ask: Caller, customer_id: str) -> list[Fact]:
    """Those that are not cancelled and understood; one that was cancelled is told of by its own event or by a sweep."""
    told: list[Fact] = []
    async for page in subscriptions.of_customer(ask, customer_id):
        if is_missing(page):
            raise PostponedError(Postponed(AWAY))
        listed, moment = look(page)
        told += [subscription_observed(one, moment) for one in understood(listed)]
    return told


def _customer(customer_id: str, found: Customer | None, moment: Observation) -> StripeCustomerObserved:
    return StripeCustomerObserved(
        customer_id=customer_id,
        default_payment_method=found.default_payment_method if found else None,
        deleted=found is None,
        seen=moment,
    )
