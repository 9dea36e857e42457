"""The filter may forget; it may never fail."""

from typing import Any, cast

import pytest
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from uuid6 import uuid7

from state.redis.dedup import Dedup

CUT = "unable to perform operation on <TCPTransport closed=True reading=False>; the handler is closed"
"""What uvloop says of a connection that was reset a moment ago, and redis-py lets through."""


class Broken:
    """A Redis whose every pipeline fails."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def pipeline(self, **_options: Any) -> Any:
        raise self.error


@pytest.mark.parametrize("error", [RuntimeError(CUT), RedisConnectionError(), TimeoutError(), OSError()])
@pytest.mark.asyncio
async def test_a_broken_redis_knows_nothing_and_hurts_nobody(error: Exception) -> None:
    dedup = Dedup(cast(Redis, Broken(error)))
    commands = [(uuid7(), "a" * 32)]
    assert await dedup.seen("history", commands) == set()
    await dedup.mark("history", commands)
