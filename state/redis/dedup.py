"""A filter for duplicates: ids known to be committed. It may forget; PostgreSQL never relies on it.

Ids lie in sets by the ten minutes they were made in, so a batch is asked about and marked with one or
two commands. The key names the database's history: after a restore from a backup, nothing said about
the lost future is believed.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Final
from uuid import UUID

from redis.asyncio import Redis

from observability.metrics import REDIS_ERRORS
from state.redis.connection import REDIS_DOWN
from state.redis.patience import Patience
from topics.ids import uuid7_ms

_BUCKET_MS: Final = 600_000
_KEPT_SECONDS: Final = 3600

CommandKey = tuple[UUID, str]
"""A command's id and its account: an id that turns up for another account is no duplicate but a fault."""


class Dedup:
    """The filter of one process. `history` names the life of the database that commits (state/postgres/history.py)."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._patience = Patience()

    async def seen(self, history: str, commands: Sequence[CommandKey]) -> set[CommandKey]:
        """Those of `commands` that certainly have an outcome; none when Redis is away."""
        if not commands or not self._patience.may_ask():
            return set()
        buckets = _buckets(history, commands)
        try:
            async with self._redis.pipeline(transaction=False) as pipe:
                for key, members in buckets.items():
                    pipe.smismember(key, [_member(command) for command in members])
                answers = await pipe.execute()
        except REDIS_DOWN:
            self._failed()
            return set()
        self._patience.answered()
        return {
            member
            for members, found in zip(buckets.values(), answers, strict=True)
            for member, is_known in zip(members, found, strict=True)
            if is_known
        }

    async def mark(self, history: str, commands: Sequence[CommandKey]) -> None:
        """Remember committed commands. Only ever called after the commit."""
        if not commands or not self._patience.may_ask():
            return
        try:
            async with self._redis.pipeline(transaction=False) as pipe:
                for key, members in _buckets(history, commands).items():
                    pipe.sadd(key, *map(_member, members))
                    pipe.expire(key, _KEPT_SECONDS)
                await pipe.execute()
        except REDIS_DOWN:
            self._failed()
        else:
            self._patience.answered()

    def _failed(self) -> None:
        REDIS_ERRORS.labels(use="dedup").inc()
        self._patience.failed()


def _buckets(history: str, commands: Iterable[CommandKey]) -> dict[str, list[CommandKey]]:
    buckets: dict[str, list[CommandKey]] = defaultdict(list)
    for command in commands:
        buckets[f"dedup:{history}:{uuid7_ms(command[0]) // _BUCKET_MS}"].append(command)
    return buckets


def _member(command: CommandKey) -> bytes:
    return command[0].bytes + command[1].encode()
