"""The setup intent of one operation: made once, whatever happens in between, and its secret handed over."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from redis.asyncio import Redis

from consumers.performers.stripe_answers import PostponedError, done, reply
from consumers.performers.stripe_keys import fresh_key
from consumers.performers.stripe_reservation import CLOCKS_APART
from consumers.performing import Postponed, Work
from handlers.open_setups import AUTHENTICATION, VERIFICATION
from observability.crash import crash_point
from state.redis import handover
from state.redis.connection import REDIS_DOWN
from state.stripe import setup_intents
from state.stripe.answers import Answer, Done, NeedsCustomer, Refused, Unknown
from state.stripe.client import Caller
from state.stripe.setup_intents import SUCCEEDED, SetupIntent

ACCOUNT: Final = "account_id"
_OPERATION: Final = "operation"
_REDIS_PAUSE: Final = timedelta(seconds=1)


def operation_of(work: Work) -> str:
    """What the intent is found by: the command that asked for it."""
    return work.effect.cause or str(work.effect.id)


def metadata(work: Work) -> dict[str, str]:
    """Whose the intent is, and the operation it was made for."""
    return {ACCOUNT: work.effect.account_id, _OPERATION: operation_of(work)}


async def setup_of_operation(
    ask: Caller, work: Work, customer_id: str, params: Mapping[str, Any]
) -> Done[SetupIntent]:
    """What an earlier attempt made, else a new one with these parameters. Raises `RefusedError`, `PostponedError`.

    The key is the effect's, so that a request that is still under way somewhere can't make a second one. When
    Stripe keeps an answer for it that does not tell what came of it, it is looked up and asked under a new key.
    """
    if found := await _looked_up(ask, work, customer_id):
        return found
    answer = await setup_intents.create(ask, params, key=str(work.effect.id))
    crash_point("payments.setup_made")
    if _used_up(answer):
        if found := await _looked_up(ask, work, customer_id):
            return found
        answer = await setup_intents.create(ask, params, key=fresh_key(work, work.effect.generation, params))
    made = reply(answer)
    return reply(await setup_intents.retrieve(ask, made.value.id)) if made.replayed else made


async def hand_over(redis: Redis, work: Work, setup: Done[SetupIntent]) -> datetime:
    """Give the secret to whoever asked; tells until when it is of use. Raises `PostponedError` without Redis."""
    seconds = int(AUTHENTICATION.total_seconds())
    try:
        await handover.give(
            redis, operation_of(work), {"client_secret": setup.value.client_secret}, seconds=seconds
        )
    except REDIS_DOWN as down:
        cause = f"Redis: {type(down).__name__}"
        raise PostponedError(Postponed(cause, _REDIS_PAUSE, counted=False)) from down
    crash_point("payments.secret_given")
    return verified_until(setup) or datetime.now(UTC) + AUTHENTICATION


def verified_until(setup: Done[SetupIntent]) -> datetime | None:
    """Until when small deposits may be verified; None for what is done at once or not at all."""
    match setup:
        case NeedsCustomer(intent, action=setup_intents.MICRODEPOSITS):
            return (intent.created or datetime.now(UTC)) + VERIFICATION
    return None


async def _looked_up(ask: Caller, work: Work, customer_id: str) -> Done[SetupIntent] | None:
    """The operation's intent in Stripe's list, which unlike its search is consistent (DOMAIN.md 11), read by itself:
    a list does not say whether it waits for its customer.
    """
    since = work.effect.created_at - CLOCKS_APART
    found: list[SetupIntent] = []
    async for page in setup_intents.of_customer(ask, customer_id, created_from=since):
        found += [one for one in done(page) if one.metadata.get(_OPERATION) == operation_of(work)]
    best = max(found, key=lambda one: one.status == SUCCEEDED, default=None)
    return reply(await setup_intents.retrieve(ask, best.id)) if best else None


def _used_up(answer: Answer[SetupIntent]) -> bool:
    match answer:
        case Refused(code="idempotency_error") | Unknown(stored=True):
            return True
    return False
