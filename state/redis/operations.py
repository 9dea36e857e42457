"""Marks of operations under way: whose they are, for the time between the answer 202 and the outcome."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

import orjson
from redis.asyncio import Redis

from observability.metrics import REDIS_ERRORS
from state.redis.connection import REDIS_DOWN
from state.redis.patience import Patience

KEPT_SECONDS: Final = 24 * 3600


@dataclass(frozen=True, slots=True)
class Underway:
    """A published command: its account and its type."""

    account_id: str
    type: str


async def mark(redis: Redis, patience: Patience, command_id: UUID, operation: Underway) -> None:
    """Remember it for a day, as well as Redis can."""
    if not patience.may_ask():
        REDIS_ERRORS.labels(use="operations").inc()
        return
    value = orjson.dumps((operation.account_id, operation.type))
    try:
        await redis.set(f"operation:{command_id}", value, ex=KEPT_SECONDS)
    except REDIS_DOWN:
        REDIS_ERRORS.labels(use="operations").inc()
        patience.failed()
    else:
        patience.answered()


async def find(redis: Redis, patience: Patience, command_id: UUID) -> Underway | None:
    """The mark, None when there is none. Raises one of `REDIS_DOWN`: that is not the same as none."""
    if not patience.may_ask():
        raise ConnectionError("Redis failed a moment ago")
    try:
        value = await redis.get(f"operation:{command_id}")
    except REDIS_DOWN:
        patience.failed()
        raise
    patience.answered()
    return None if value is None else Underway(*orjson.loads(value))
