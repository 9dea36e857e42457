"""Marks of operations under way: whose they are, for the time between the answer 202 and the outcome."""

import time
from dataclasses import dataclass
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
    """A published command: its account and its type."""

    account_id: str
    type: str


async def mark(redis: Redis, patience: Patience, command_id: UUID, operation: Underway) -> None:
    """Remember it for a day, as well as Redis can."""
    if not patience.may_ask():
        REDIS_ERRORS.labels(use="operations").inc()
        patience.missed = True
        return
    value, now_ms = orjson.dumps((operation.account_id, operation.type)), int(time.time() * 1000)
    try:
        async with redis.pipeline(transaction=False) as both:
            both.set(f"operation:{command_id}", value, ex=KEPT_SECONDS)
            both.set(_SINCE, now_ms, nx=not patience.missed)
            await both.execute()
    except REDIS_DOWN:
        REDIS_ERRORS.labels(use="operations").inc()
        patience.failed()
        patience.missed = True
    else:
        patience.answered()
        patience.missed = False


async def find(redis: Redis, patience: Patience, command_id: UUID) -> Underway | None:
    """The mark, None when there is and was none.

    Raises one of `REDIS_DOWN`, or `ForgottenError`: that is not the same as none.
    """
    if not patience.may_ask():
        raise ConnectionError("Redis failed a moment ago")
    try:
        value, since = await redis.mget(f"operation:{command_id}", _SINCE)
    except REDIS_DOWN:
        patience.failed()
        raise
    patience.answered()
    if value is not None:
        return Underway(*orjson.loads(value))
    if since is None or patience.missed or uuid7_ms(command_id) <= int(since) + _CLOCKS_APART_MS:
        raise ForgottenError
    return None
