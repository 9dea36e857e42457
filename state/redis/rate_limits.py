"""Rate limits: all buckets of a request are asked and filled in one round trip, all or none.

The generic cell rate algorithm (ITU-T I.371): per bucket one number, the time at which it is empty
again. While Redis is away requests are let through and counted: a limit protects us from load, it
is no lock on a door.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from redis.asyncio import Redis

from observability.metrics import RATE_LIMIT_OPEN
from state.redis.connection import REDIS_DOWN
from state.redis.patience import Patience

# KEYS: buckets. ARGV, for each: microseconds between two requests, and how many of them may be ahead.
# Answers the microseconds to wait; 0 means that every bucket took the request.
_SCRIPT: Final = """
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local wait, filled = 0, {}
for n, key in ipairs(KEYS) do
    local interval, ahead = tonumber(ARGV[2 * n - 1]), tonumber(ARGV[2 * n])
    local empty = math.max(tonumber(redis.call('GET', key) or 0), now)
    wait = math.max(wait, empty - ahead - now)
    filled[n] = empty + interval
end
if wait > 0 then
    return wait
end
for n, key in ipairs(KEYS) do
    redis.call('SET', key, string.format('%.0f', filled[n]), 'PX', math.ceil((filled[n] - now) / 1000) + 1)
end
return 0
"""


@dataclass(frozen=True, slots=True)
class Rate:
    """So many requests a second for long, and `burst` at once after a pause."""

    per_second: float
    burst: int


class RateLimits:
    """The limiter of one surface in one process; the buckets are shared by all processes."""

    def __init__(self, redis: Redis, surface: str, patience: Patience) -> None:
        self._surface, self._patience = surface, patience
        self._ask = redis.register_script(_SCRIPT)
        self._open = RATE_LIMIT_OPEN.labels(surface=surface)

    async def take(self, buckets: Sequence[tuple[str, Rate]]) -> float:
        """Count one request in every bucket; gives the seconds to wait when one is full, else 0."""
        if not self._patience.may_ask():
            self._open.inc()
            return 0.0
        keys = [f"rate:{self._surface}:{name}" for name, _ in buckets]
        sizes = [size for _, rate in buckets for size in _sizes(rate)]
        try:
            wait = int(await self._ask(keys=keys, args=sizes))
        except REDIS_DOWN:
            self._open.inc()
            self._patience.failed()
            return 0.0
        self._patience.answered()
        return wait / 1_000_000


def _sizes(rate: Rate) -> tuple[int, int]:
    interval = round(1_000_000 / rate.per_second)
    return interval, interval * (rate.burst - 1)
