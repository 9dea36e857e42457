"""The fleet's shared budget of requests to a processor: its limits are the account's, not a process's.

Kept in Redis so that all processes together stay under the limits; without Redis each process keeps to a
share of them by itself. Customer-facing work comes first: lesser work must leave part of each bucket over.
"""

import asyncio
import random
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from redis.asyncio import Redis

from observability.metrics import BUDGET_WAIT_SECONDS, REDIS_ERRORS
from state.redis.buckets import SLOW_DOWN, TAKE, Bucket
from state.redis.connection import REDIS_DOWN
from state.redis.patience import Patience

_PATIENCE: Final = 1.0
"""Seconds without asking a Redis that failed."""
_LONGEST_NAP: Final = 1.0
_ACCOUNT: Final = ""


class Priority(Enum):
    """Whose work it is; the value is the share of each bucket that it leaves to those before it."""

    CUSTOMER = 0.0
    WEBHOOK = 0.25
    SWEEP = 0.5


@dataclass(frozen=True, slots=True)
class Limits:
    """Requests a second: over all, for an endpoint, and for endpoints that differ (docs.stripe.com/rate-limits)."""

    account: float = 100.0
    endpoint: float = 25.0
    endpoints: Mapping[str, float] = field(default_factory=dict)

    def of(self, bucket: str) -> float:
        """The limit of an endpoint by its name, of the whole account for the empty name."""
        return self.account if bucket == _ACCOUNT else self.endpoints.get(bucket, self.endpoint)


class Budget:
    """The budget of one processor, in one process. `local_share` is what it takes while Redis is away."""

    def __init__(
        self, redis: Redis, limits: Limits, *, processor: str = "stripe", local_share: float = 0.25
    ) -> None:
        self._redis, self._limits, self._processor = redis, limits, processor
        self._take, self._slow_down = redis.register_script(TAKE), redis.register_script(SLOW_DOWN)
        self._local_share = local_share
        self._local: dict[str, Bucket] = {}
        self._patience = Patience(_PATIENCE)

    async def take(self, endpoint: str, priority: Priority) -> None:
        """Wait until a request to the endpoint may go, and count it."""
        began = time.monotonic()
        while (wait := await self.ask(endpoint, priority)) > 0:
            await asyncio.sleep(min(wait, _LONGEST_NAP) * random.uniform(1.0, 1.2))  # noqa: S311
        waited = BUDGET_WAIT_SECONDS.labels(processor=self._processor, priority=priority.name.lower())
        waited.observe(time.monotonic() - began)

    async def ask(self, endpoint: str, priority: Priority) -> float:
        """0 when the request may go and is counted, else the seconds after which to ask again."""
        if not self._patience.may_ask():
            return self._ask_here(endpoint, priority)
        limits = (self._limits.of(_ACCOUNT), self._limits.of(endpoint))
        try:
            answer = await self._take(keys=self._keys(_ACCOUNT, endpoint), args=(priority.value, *limits))
        except REDIS_DOWN:
            self._without_redis()
            return self._ask_here(endpoint, priority)
        self._patience.answered()
        return float(answer)

    async def slow_down(self, endpoint: str | None) -> None:
        """The processor said 429 for this endpoint, or for the whole account: everybody goes slower for a while."""
        bucket = endpoint or _ACCOUNT
        self._bucket(bucket).slow_down(time.monotonic())
        try:
            await self._slow_down(keys=self._keys(bucket), args=(self._limits.of(bucket),))
        except REDIS_DOWN:
            self._without_redis()

    def _ask_here(self, endpoint: str, priority: Priority) -> float:
        now = time.monotonic()
        buckets = [self._bucket(_ACCOUNT), self._bucket(endpoint)]
        wait = max(bucket.wait(priority.value, now) for bucket in buckets)
        if wait == 0:
            for bucket in buckets:
                bucket.take()
        return wait

    def _bucket(self, name: str) -> Bucket:
        if name not in self._local:
            self._local[name] = Bucket(self._limits.of(name) * self._local_share, time.monotonic())
        return self._local[name]

    def _keys(self, *buckets: str) -> list[str]:
        return [f"budget:{self._processor}:{bucket}" for bucket in buckets]

    def _without_redis(self) -> None:
        REDIS_ERRORS.labels(use="budget").inc()
        self._patience.failed()
