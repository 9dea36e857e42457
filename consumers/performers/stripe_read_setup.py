"""Look at a setup intent, and release it when its time is over."""

from datetime import UTC, datetime

from consumers.performers.stripe_answers import (
    PostponedError,
    RefusedError,
    caller,
    is_missing,
    look,
    reply,
    time_of,
)
from consumers.performers.stripe_keys import fresh_key
from consumers.performers.stripe_setups import ACCOUNT, verified_until
from consumers.performers.stripe_shown import NOT_UNDERSTOOD, sentence
from consumers.performers.stripe_view import View, view
from consumers.performing import GivenUp, Outcome, Performed, Work
from consumers.stripe_facts import setup_observed
from observability.crash import crash_point
from state.stripe import payment_methods, setup_intents
from state.stripe.answers import Answer, Done, Refused
from state.stripe.client import Caller, Stripe
from state.stripe.setup_intents import CANCELED, SUCCEEDED, SetupIntent
from topics.observation import Observation
from topics.payment_methods import SetupIntentObserved


async def read_setup(stripe: Stripe, work: Work) -> Outcome:
    """Tell what became of it; with `release` one that is not finished is cancelled first.

    One that is merely overdue is not, as long as its customer may verify deposits that take days to arrive. One
    that was made for the account is cancelled whosever its customer is by now: nobody else has its secret.
    """
    seen = await view(work)
    generation = seen.effect.generation
    try:
        return Performed(generation, (await _looked_at(caller(stripe, work), work, seen),))
    except PostponedError as postponed:
        return postponed.outcome
    except RefusedError as error:
        return GivenUp(generation, error.refused.reason)


async def _looked_at(ask: Caller, work: Work, seen: View) -> SetupIntentObserved:
    intent_id = str(seen.effect.payload["setup_intent"])
    answer = await setup_intents.retrieve(ask, intent_id)
    if is_missing(answer):
        return _over(intent_id, Observation(at=time_of(answer)))
    setup = reply(answer)
    if _to_release(seen, setup) and _open(setup.value) and _may_release(seen, setup.value):
        answer = await _released(ask, work, seen, intent_id)
    intent, at = look(answer)
    if not _ours(seen, intent.customer_id):
        return _over(intent_id, at)
    if intent.status != SUCCEEDED or not intent.payment_method:
        return setup_observed(intent, at, deadline=verified_until(reply(answer)))
    return await _brought(ask, seen, intent_id, intent.payment_method)


def _to_release(seen: View, setup: Done[SetupIntent]) -> bool:
    asked, until = seen.effect.payload, verified_until(setup)
    overdue = until is None or until <= datetime.now(UTC)
    return bool(asked.get("release") or (asked.get("overdue") and overdue))


async def _released(ask: Caller, work: Work, seen: View, intent_id: str) -> Answer[SetupIntent]:
    """The intent cancelled, or as it is when the customer was quicker. Raises `RefusedError` when it stays open."""
    key = fresh_key(work, seen.effect.generation, {"cancel": intent_id})
    answer = await setup_intents.cancel(ask, intent_id, key=key)
    crash_point("payments.setup_released")
    if not isinstance(answer, Refused):
        return answer
    found = await setup_intents.retrieve(ask, intent_id)
    if isinstance(found, Done) and _open(found.value):
        raise RefusedError(answer)
    return found


async def _brought(ask: Caller, seen: View, intent_id: str, reference: str) -> SetupIntentObserved:
    """A success and its method, unless that was detached since."""
    answer = await payment_methods.retrieve(ask, reference)
    if is_missing(answer):
        return _over(intent_id, Observation(at=time_of(answer)))
    found, at = look(answer)
    if found.odd:
        raise RefusedError(Refused(sentence(found.id, found.odd), 200, NOT_UNDERSTOOD))
    if not _ours(seen, found.customer_id) or found.details is None:
        return _over(intent_id, at)
    return SetupIntentObserved(
        setup_intent=intent_id, seen=at, details=found.details, customer_id=found.customer_id
    )


def _ours(seen: View, customer_id: str | None) -> bool:
    return customer_id is not None and customer_id == seen.customer_id


def _may_release(seen: View, intent: SetupIntent) -> bool:
    """One that somebody else made is the customer's, with which nothing is done while accounts share it."""
    made_for_us = intent.metadata.get(ACCOUNT) == seen.effect.account_id
    return made_for_us or (_ours(seen, intent.customer_id) and not seen.shared)


def _open(intent: SetupIntent) -> bool:
    return intent.status not in (SUCCEEDED, CANCELED)


def _over(intent_id: str, at: Observation) -> SetupIntentObserved:
    """Nothing came of it for this account, which includes one that is another customer's."""
    return SetupIntentObserved(setup_intent=intent_id, seen=at, closed=True)
