"""Marks of operations under way: whose they are, for the time between the answer 202 and the outcome.

Those that became dead letters have a mark of their own, which is no outcome: a letter can be published again.
"""

import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

import orjson
from redis.asyncio import Redis

from observability.metrics import REDIS_ERRORS
from state.redis.connection import REDIS_DOWN
from state.redis.patience import Patience
from topics.ids import uuid7_ms

KEPT_SECONDS: Final = 24 * 3600
_SINCE: Final = "operations:since"
"""From when on every mark is there, in milliseconds: Redis may have been emptied, or away when one was made."""
_CLOCKS_APART_MS: Final = 10_000


class ForgottenError(Exception):
    """There is no mark, and there may have been one."""


@dataclass(frozen=True, slots=True)
class Underway:
    """A published command: its account and type, whether it became a dead letter, and who asked, if that is known."""

    account_id: str
    type: str
    given_up: bool = False
    caller: str | None = None


async def mark(redis: Redis, patience: Patience, command_id: UUID, operation: Underway) -> None:
    """Remember it for a day, as well as Redis can."""
    if not patience.may_ask():
        REDIS_ERRORS.labels(use="operations").inc()
        patience.missed = True
        return
    value, now_ms = orjson.dumps((operation.account_id, operation.type)), int(time.time() * 1000)
    try:
        async with redis.pipeline(transaction=False) as together:
            together.set(f"operation:{command_id}", value, ex=KEPT_SECONDS)
            if operation.caller is not None:
                # Under a name of its own: processes of the release before read the other one during a deploy.
                together.set(f"operation-of:{command_id}", orjson.dumps(operation.caller), ex=KEPT_SECONDS)
            together.set(_SINCE, now_ms, nx=not patience.missed)
            await together.execute()
    except REDIS_DOWN:
        REDIS_ERRORS.labels(use="operations").inc()
        patience.failed()
        patience.missed = True
    else:
        patience.answered()
        patience.missed = False


async def note_given_up(redis: Redis, operations: Iterable[tuple[UUID, Underway]]) -> None:
    """Remember for a day, as well as Redis can, that these became dead letters."""
    try:
        async with redis.pipeline(transaction=False) as all_of_them:
            for command_id, one in operations:
                value = orjson.dumps((one.account_id, one.type))
                all_of_them.set(f"operation-given-up:{command_id}", value, ex=KEPT_SECONDS)
            await all_of_them.execute()
    except REDIS_DOWN:
        REDIS_ERRORS.labels(use="operations").inc()


async def find(redis: Redis, patience: Patience, command_id: UUID) -> Underway | None:
    """The mark, None when there is and was none.

    Raises one of `REDIS_DOWN`, or `ForgottenError`: that is not the same as none.
    """
    if not patience.may_ask():
        raise ConnectionError("Redis failed a moment ago")
    try:
        given_up, value, asker, since = await redis.mget(
            *(f"{name}:{command_id}" for name in ("operation-given-up", "operation", "operation-of")), _SINCE
        )
    except REDIS_DOWN:
        patience.failed()
        raise
    patience.answered()
    caller = orjson.loads(asker) if asker is not None else None
    known = replace(Underway(*orjson.loads(value)), caller=caller) if value is not None else None
    letter = None
    if given_up is not None:
        letter = replace(Underway(*orjson.loads(given_up)), given_up=True, caller=caller)
    if letter is not None and (known is None or known.account_id == letter.account_id):
        return letter
    if known is not None:
        return known
    if since is None or patience.missed or uuid7_ms(command_id) <= int(since) + _CLOCKS_APART_MS:
        raise ForgottenError
    return None
