"""Buckets of requests: what they take, when they take again, and that a refused request fills none."""

from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from redis.asyncio import Redis

from sandbox.local.proxy import FaultProxy
from state.redis.connection import connect
from state.redis.patience import Patience
from state.redis.rate_limits import Rate, RateLimits
from tests.conftest import Stack

pytestmark = [pytest.mark.asyncio, pytest.mark.stack]

SLOW = Rate(per_second=0.01, burst=3)
FAST = Rate(per_second=1000, burst=1)


def name() -> str:
    return uuid4().hex


async def test_a_burst_is_taken_and_then_one_at_a_time(redis: Redis) -> None:
    limits, bucket = RateLimits(redis, "test", Patience()), name()
    waits = [await limits.take([(bucket, SLOW)]) for _ in range(5)]
    assert waits[:3] == [0, 0, 0]
    assert 90 < waits[4] <= waits[3] <= 100


async def test_a_bucket_empties_with_time(redis: Redis) -> None:
    limits, bucket = RateLimits(redis, "test", Patience()), name()
    taken = 0
    while taken < 20:
        taken += await limits.take([(bucket, FAST)]) == 0
    assert 0 < await redis.pttl(f"rate:test:{bucket}") <= 10


async def test_a_request_that_one_bucket_refuses_fills_no_other(redis: Redis) -> None:
    limits, full, free = RateLimits(redis, "test", Patience()), name(), name()
    for _ in range(3):
        await limits.take([(full, SLOW)])
    for _ in range(10):
        assert await limits.take([(free, SLOW), (full, SLOW)]) > 0
    assert await limits.take([(free, SLOW)]) == 0
    assert await redis.exists(f"rate:test:{free}")


async def test_processes_share_their_buckets(redis: Redis) -> None:
    bucket = name()
    processes = [RateLimits(redis, "test", Patience()) for _ in range(4)]
    waits = [await process.take([(bucket, SLOW)]) for process in processes]
    assert [wait > 0 for wait in waits] == [False, False, False, True]


async def test_nobody_is_refused_while_redis_is_away() -> None:
    nowhere = connect("redis://127.0.0.1:1/0")
    limits = RateLimits(nowhere, "test", Patience())
    assert {await limits.take([("x", SLOW)]) for _ in range(10)} == {0.0}
    await nowhere.aclose()


async def test_a_redis_that_hangs_is_waited_for_once_and_then_left_alone(stack: Stack) -> None:
    failures = 0

    class Counted(Patience):
        def failed(self) -> None:
            nonlocal failures
            failures += 1
            super().failed()

    async with FaultProxy(urlsplit(stack.redis_url).port or 6379) as proxy:
        redis = connect(f"redis://127.0.0.1:{proxy.port}/0")
        limits = RateLimits(redis, "test", Counted())
        proxy.blackhole()
        assert {await limits.take([("x", SLOW)]) for _ in range(50)} == {0.0}
        await redis.aclose()
    assert failures == 1
