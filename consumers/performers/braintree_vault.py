"""Keep a PayPal agreement in Braintree's vault, under the method's own id as its token.

There are no idempotency keys: the token is looked for first, so whoever follows a performer that was killed
finds what it made, and a nonce that is used up is no loss then.
"""

from typing import Final

from redis.asyncio import Redis

from consumers.performers.braintree_answers import caller, seen
from consumers.performers.stripe_answers import PostponedError, RefusedError, done
from consumers.performers.stripe_view import view
from consumers.performing import Outcome, Performed, Postponed, Work
from observability.crash import crash_point
from state.braintree import vault
from state.braintree.client import Braintree, Caller
from state.braintree.vault import Agreement
from state.redis import handover
from state.redis.connection import REDIS_DOWN
from state.stripe.answers import Answer, Declined, Refused
from topics.message import Result
from topics.payment_methods import PaymentMethodDeclined, PaymentMethodVaulted

LOST: Final = "PayPal's authorisation got lost on the way. Connect PayPal again."


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
    agreement = done(answer)
    if agreement.customer_id != work.effect.account_id:
        raise RefusedError(_refusal("token_foreign", "The PayPal agreement belongs to another customer."))
    return PaymentMethodVaulted(method_id=method_id, details=agreement.details, seen=seen(answer))


async def _secrets(redis: Redis, work: Work) -> dict[str, str]:
    """The nonce that the caller handed over. Raises `RefusedError` when it is not there any more."""
    try:
        found = await handover.look(redis, str(work.effect.cause))
    except REDIS_DOWN as down:
        raise PostponedError(Postponed(f"Redis: {type(down).__name__}")) from down
    if "nonce" not in found:
        raise RefusedError(_refusal("nonce_lost", LOST))
    return found


def _refusal(code: str, sentence: str) -> Declined:
    return Declined(sentence, 0, code, sentence=sentence, permanent=True)


def _declined(method_id: str, refused: Refused) -> PaymentMethodDeclined:
    known = isinstance(refused, Declined)
    return PaymentMethodDeclined(
        method_id=method_id,
        code=(refused.code or "declined")[:100],
        reason=refused.sentence if isinstance(refused, Declined) else "PayPal could not be connected.",
        permanent=refused.permanent if isinstance(refused, Declined) else known,
    )
