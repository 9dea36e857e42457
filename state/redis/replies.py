"""Waking the caller who waits: outcomes go to the channel of the process that published the command."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any, Final
from uuid import UUID

import orjson
from redis.asyncio import Redis

from observability.metrics import REDIS_ERRORS
from state.postgres.journal import Outcome
from state.redis.connection import REDIS_DOWN
from state.redis.patience import Patience

_SILENCE: Final = 0.5
"""Seconds without a message after which Redis is asked whether it is still there, and then has to answer."""
_LATELY: Final = "replies:lately"
_LATELY_MS: Final = 200
"""How long somebody who was answered counts as waiting: others are on their way."""


async def announce(redis: Redis, outcomes: Iterable[tuple[str, Outcome]]) -> None:
    """Tell each channel its outcomes, one message a channel. A lost message costs a poll, no more."""
    by_channel: dict[str, list[tuple[str, str, str, int | None, str | None]]] = defaultdict(list)
    for channel, outcome in outcomes:
        by_channel[channel].append(
            (str(outcome.command_id), outcome.account_id, outcome.outcome, outcome.code, outcome.answer)
        )
    if not by_channel:
        return
    try:
        async with redis.pipeline(transaction=False) as pipe:
            for channel, told in by_channel.items():
                pipe.publish(channel, orjson.dumps(told))
            pipe.set(_LATELY, 1, px=_LATELY_MS)
            await pipe.execute()
    except REDIS_DOWN:
        REDIS_ERRORS.labels(use="replies").inc()


class Waited:
    """Whether callers wait for commands, asked by those who can wait longer."""

    def __init__(self, redis: Redis) -> None:
        self._redis, self._patience = redis, Patience()

    async def lately(self) -> bool:
        """Whether any caller of the fleet was told an outcome just now; no, while Redis is away."""
        if not self._patience.may_ask():
            return False
        try:
            found = bool(await self._redis.exists(_LATELY))
        except REDIS_DOWN:
            REDIS_ERRORS.labels(use="replies").inc()
            self._patience.failed()
            return False
        self._patience.answered()
        return found


@asynccontextmanager
async def listen(redis: Redis, channel: str) -> AsyncIterator[AsyncIterator[list[Outcome]]]:
    """Subscribe to a channel; iterate over batches of outcomes. Raises `REDIS_DOWN` when it breaks."""
    async with redis.pubsub(ignore_subscribe_messages=True) as pubsub:
        await pubsub.subscribe(channel)
        yield _batches(pubsub)


async def _batches(pubsub: Any) -> AsyncIterator[list[Outcome]]:
    """A connection to a Redis that hangs, or whose machine is gone, stays open and says nothing: hence the ping."""
    asked = False
    while True:
        message = await pubsub.get_message(timeout=_SILENCE)
        _heed_cancellation()
        if message is None:
            if asked:
                raise TimeoutError("Redis does not answer")
            await pubsub.ping()
        asked = message is None
        if message is not None and message["type"] == "message":
            yield [Outcome(UUID(told[0]), *told[1:]) for told in orjson.loads(message["data"])]


def _heed_cancellation() -> None:
    """redis-py takes a cancellation that meets its own timeout for that timeout: the listener would go on for ever."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
