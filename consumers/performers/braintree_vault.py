"""Keep a PayPal agreement in Braintree's vault, under the method's own id as its token.

There are no idempotency keys: the token is looked for first, so whoever follows a performer that was killed
finds what it made, and a nonce that is used up is no loss then. It may be used up by a request of ours that is
still under way at Braintree: then it is looked for again, with a short patience.
"""

from datetime import timedelta
from typing import Final

from redis.asyncio import Redis

from consumers.performers.braintree_answers import caller, seen
from consumers.performers.stripe_answers import PostponedError, RefusedError, done
from consumers.performers.stripe_view import view
from consumers.performing import Outcome, Performed, Postponed, Work
from observability.crash import crash_point
from state.braintree import vault
from state.braintree.client import Braintree, Caller
from state.braintree.declines import CONNECT_AGAIN
from state.braintree.vault import Agreement
from state.redis import handover
from state.redis.connection import REDIS_DOWN
from state.stripe.answers import Answer, Declined, Refused
from topics.message import Result
from topics.payment_methods import PaymentMethodDeclined, PaymentMethodVaulted

USED_UP: Final = "93107"
"""The nonce was used before (developer.paypal.com/braintree/docs/reference/general/validation-errors)."""
LOOKS: Final = 4
"""So many attempts are made before it is believed that somebody else used the nonce."""
LOOK_AGAIN: Final = timedelta(seconds=3)
LOST: Final = "PayPal's authorisation got lost on the way."


async def vault_paypal(braintree: Braintree, redis: Redis, work: Work) -> Outcome:
    """Conclude the operation: kept or declined. A method that was removed meanwhile is not vaulted any more."""
    found = await view(work)
    method_id = str(found.effect.payload["method_id"])
    method = found.methods.methods.get(method_id)
    try:
        if method is None or method.gone:
            conclusion: Result = _declined(method_id, _refusal("removed", "The payment method was removed."))
        else:
            conclusion = await _kept(caller(braintree, work), redis, work, method_id)
    except PostponedError as postponed:
        return postponed.outcome
    except RefusedError as error:
        conclusion = _declined(method_id, error.refused)
    return Performed(found.effect.generation, conclusion=conclusion)


async def _kept(ask: Caller, redis: Redis, work: Work, method_id: str) -> Result:
    answer: Answer[Agreement] = await vault.find(ask, method_id)
    if isinstance(answer, Refused) and answer.missing:
        secrets = await _secrets(redis, work)
        done(await vault.customer_there(ask, work.effect.account_id))
        crash_point("braintree.customer_there")
        answer = await vault.vault(ask, work.effect.account_id, method_id, secrets)
        crash_point("braintree.vaulted")
        if _perhaps_by_us(work, answer):
            answer = await _looked_for_again(ask, method_id)
    agreement = done(answer)
    if agreement.customer_id != work.effect.account_id:
        raise RefusedError(_refusal("token_foreign", "The PayPal agreement belongs to another customer."))
    return PaymentMethodVaulted(method_id=method_id, details=agreement.details, seen=seen(answer))


def _perhaps_by_us(work: Work, answer: Answer[Agreement]) -> bool:
    """Whether an earlier attempt, whose outcome is unknown, may be what used the nonce."""
    used_up = isinstance(answer, Refused) and answer.code == USED_UP
    return used_up and 1 < work.effect.attempts <= LOOKS


async def _looked_for_again(ask: Caller, method_id: str) -> Answer[Agreement]:
    """What that attempt made. Raises `PostponedError` while there is nothing."""
    answer: Answer[Agreement] = await vault.find(ask, method_id)
    if isinstance(answer, Refused) and answer.missing:
        raise PostponedError(Postponed("the nonce was used, perhaps by an earlier attempt", LOOK_AGAIN))
    return answer


async def _secrets(redis: Redis, work: Work) -> dict[str, str]:
    """The nonce that the caller handed over. Raises `RefusedError` when it is not there any more."""
    try:
        found = await handover.look(redis, str(work.effect.cause))
    except REDIS_DOWN as down:
        raise PostponedError(Postponed(f"Redis: {type(down).__name__}")) from down
    if "nonce" not in found:
        raise RefusedError(_refusal("nonce_lost", LOST, CONNECT_AGAIN))
    return found


def _refusal(code: str, sentence: str, advice: str | None = None) -> Declined:
    return Declined(sentence, 0, code, sentence=sentence, permanent=True, advice=advice)


def _declined(method_id: str, refused: Refused) -> PaymentMethodDeclined:
    known = isinstance(refused, Declined)
    return PaymentMethodDeclined(
        method_id=method_id,
        code=(refused.code or "declined")[:100],
        reason=refused.sentence if isinstance(refused, Declined) else "PayPal could not be connected.",
        permanent=refused.permanent if isinstance(refused, Declined) else known,
        advice=refused.advice if isinstance(refused, Declined) else None,
    )
