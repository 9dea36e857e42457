"""Look at an object whose events leave in doubt what it is like (DESIGN.md 4, law 7)."""

from collections.abc import Awaitable, Callable

from consumers.performers.stripe_answers import (
    PostponedError,
    RefusedError,
    caller,
    is_missing,
    look,
    time_of,
)
from consumers.performers.stripe_shown import alone
from consumers.performers.stripe_view import View, view
from consumers.performing import GivenUp, Outcome, Performed, Work
from consumers.stripe_facts import method_observed, subscription_observed
from state.stripe import payment_methods, subscriptions
from state.stripe.client import Caller, Stripe
from state.stripe.odd import NotUnderstoodError
from topics.message import Fact
from topics.observation import Observation
from topics.payment_methods import StripeMethodObserved
from topics.subscriptions import SubscriptionGone


async def read_payment_method(stripe: Stripe, work: Work) -> Outcome:
    """Tell what a payment method is like, or that it is nobody's."""
    return await _told(stripe, work, _method)


async def read_subscription(stripe: Stripe, work: Work) -> Outcome:
    """Tell what a subscription is like, or that there is none."""
    return await _told(stripe, work, _subscription)


async def _told(
    stripe: Stripe, work: Work, read: Callable[[Caller, View], Awaitable[Fact | None]]
) -> Outcome:
    seen = await view(work)
    try:
        fact = await read(caller(stripe, work), seen)
    except PostponedError as postponed:
        return postponed.outcome
    except RefusedError as error:
        return GivenUp(seen.effect.generation, error.refused.reason)
    except NotUnderstoodError as error:
        return GivenUp(seen.effect.generation, f"It is not understood ({error}): what is known of it stays.")
    return Performed(seen.effect.generation, (fact,) if fact else ())


async def _method(ask: Caller, seen: View) -> Fact | None:
    return await method_told(ask, seen, str(seen.effect.payload["payment_method"]))


async def method_told(ask: Caller, seen: View, reference: str) -> Fact | None:
    """What Stripe says of one method, or that it is nobody's; None for one that is none of ours. Raises as `done`."""
    answer = await payment_methods.retrieve(ask, reference)
    if not is_missing(answer):
        return method_observed(*look(answer))
    known = seen.methods.referred(reference)
    if known is None:
        return None
    return StripeMethodObserved(details=known.details, customer_id=None, seen=Observation(at=time_of(answer)))


async def _subscription(ask: Caller, seen: View) -> Fact:
    subscription_id = str(seen.effect.payload["subscription"])
    answer = await subscriptions.retrieve(ask, subscription_id)
    if is_missing(answer):
        return SubscriptionGone(subscription=subscription_id, seen=Observation(at=time_of(answer)))
    shown, at = look(answer)
    return subscription_observed(alone(shown), at)
