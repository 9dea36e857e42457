"""A Redis client that gives up quickly: the fleet is faster with Redis and right without it."""

from typing import Final

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

TIMEOUT: Final = 0.25
"""Seconds. A slow Redis is treated like an absent one."""
CARRYING: Final = 2.0
"""Seconds for what nothing else can carry (handover.py): there a slow Redis is still better than none."""

REDIS_DOWN: Final = (RedisError, OSError, TimeoutError, RuntimeError)
"""Includes RuntimeError: redis-py lets through uvloop's word for a connection that was cut a moment ago."""


def connect(url: str, *, timeout: float = TIMEOUT) -> Redis:
    """A client with its own pool; answers are bytes."""
    return Redis.from_url(
        url,
        socket_timeout=timeout,
        socket_connect_timeout=timeout,
        retry=Retry(NoBackoff(), 0),
        health_check_interval=0,
    )
