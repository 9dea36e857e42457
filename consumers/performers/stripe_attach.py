"""Keep a payment method at Stripe: confirm a setup of it, or look at one that the customer confirmed on a page."""

from typing import Final

from redis.asyncio import Redis

from consumers.performers.stripe_answers import PostponedError, RefusedError, caller, look, reply
from consumers.performers.stripe_payer import payer
from consumers.performers.stripe_refusals import refusal_of
from consumers.performers.stripe_setups import hand_over, metadata, setup_of_operation
from consumers.performers.stripe_shown import NOT_UNDERSTOOD, sentence
from consumers.performers.stripe_view import View, view
from consumers.performing import Outcome, Performed, Work
from handlers.stripe_projection import SHARED_REASON
from observability.crash import crash_point
from state.stripe import payment_methods, setup_intents
from state.stripe.answers import Declined, Done, NeedsCustomer, Refused
from state.stripe.client import Caller, Stripe
from state.stripe.payment_methods import TYPES
from state.stripe.setup_intents import CANCELED, MICRODEPOSITS, SUCCEEDED, UNMET, SetupIntent
from topics.message import Fact, Result
from topics.payment_methods import PaymentMethodActionRequired, PaymentMethodDeclined, PaymentMethodVaulted

MERGED: Final = "merged_account"


async def attach_payment_method(stripe: Stripe, redis: Redis, work: Work) -> Outcome:
    """Conclude the operation: kept, to be authenticated, or declined. Never for a customer that is shared."""
    seen = await view(work)
    if seen.record is None:
        return Performed(seen.effect.generation)
    ask, told = caller(stripe, work), tuple[Fact, ...]()
    try:
        _check(seen)
        customer_id, told = await payer(ask, work, seen)
        conclusion = await _kept(ask, redis, work, seen, customer_id)
    except PostponedError as postponed:
        return postponed.outcome
    except RefusedError as error:
        conclusion = _declined(seen, refusal_of(error.refused))
    return Performed(seen.effect.generation, told, conclusion)


def _check(seen: View) -> None:
    """Raise `RefusedError` for what is not even asked for."""
    if seen.shared:
        raise _will_not(MERGED, SHARED_REASON)
    method = seen.methods.methods.get(_method_id(seen))
    if method is None or method.gone:
        raise _will_not("removed", "The payment method was removed before it could be kept.")


async def _kept(ask: Caller, redis: Redis, work: Work, seen: View, customer_id: str) -> Result:
    setup = await _setup(ask, work, seen, customer_id)
    intent = setup.value
    if intent.customer_id != customer_id:
        raise _will_not("setup_intent_foreign", "The setup belongs to another customer.")
    if isinstance(setup, NeedsCustomer):
        return await _waits(redis, work, seen, setup, deposits=setup.action == MICRODEPOSITS)
    if intent.status == SUCCEEDED and intent.payment_method:
        return await _vaulted(ask, seen, customer_id, intent.payment_method)
    if intent.status == CANCELED:
        raise _will_not("setup_intent_canceled", "The setup was cancelled or took too long.")
    if intent.status == UNMET:
        raise RefusedError(intent.failure or _declined_by_us("setup_intent_unconfirmed", _UNCONFIRMED))
    # Confirmed by nobody yet, or Stripe is still at it: it ends by its webhook or at the deadline, as do the others.
    return await _waits(redis, work, seen, setup)


_UNCONFIRMED: Final = "The setup was not completed: it has no payment method yet."


async def _waits(
    redis: Redis, work: Work, seen: View, setup: Done[SetupIntent], *, deposits: bool = False
) -> Result:
    """It is open, and whoever asked gets its secret to finish it with."""
    deadline = await hand_over(redis, work, setup)
    return PaymentMethodActionRequired(
        method_id=_method_id(seen),
        setup_intent=setup.value.id,
        deadline=deadline,
        deposits=deposits,
        customer_id=setup.value.customer_id,
    )


async def _setup(ask: Caller, work: Work, seen: View, customer_id: str) -> Done[SetupIntent]:
    if named := seen.effect.payload.get("setup_intent"):
        return reply(await setup_intents.retrieve(ask, str(named)))
    method = seen.methods.methods[_method_id(seen)]
    reference, kind = str(seen.effect.payload["payment_method"]), TYPES[method.details.kind]
    params = setup_intents.confirmed(customer_id, reference, kind, metadata(work))
    return await setup_of_operation(ask, work, customer_id, params)


async def _vaulted(ask: Caller, seen: View, customer_id: str, reference: str) -> Result:
    """The method as it is now that Stripe keeps it."""
    found, at = look(await payment_methods.retrieve(ask, reference))
    crash_point("payments.method_read")
    if found.customer_id != customer_id:
        raise _will_not("payment_method_detached", "The payment method was detached at once.")
    if found.odd:
        raise RefusedError(Refused(sentence(found.id, found.odd), 200, NOT_UNDERSTOOD))
    if found.details is None:
        raise _will_not("payment_method_type_unknown", "Payment methods of this kind are not taken.")
    return PaymentMethodVaulted(
        method_id=_method_id(seen), details=found.details, seen=at, customer_id=customer_id
    )


def _method_id(seen: View) -> str:
    return str(seen.effect.payload["method_id"])


def _declined(seen: View, declined: Declined) -> PaymentMethodDeclined:
    return PaymentMethodDeclined(
        method_id=_method_id(seen),
        code=declined.most_exact[:100],
        reason=declined.sentence,
        permanent=declined.permanent,
        advice=declined.advice,
    )


def _will_not(code: str, sentence: str) -> RefusedError:
    return RefusedError(_declined_by_us(code, sentence))


def _declined_by_us(code: str, sentence: str) -> Declined:
    return Declined(sentence, 0, code, sentence=sentence, permanent=True)
