"""Lanes that nobody waits for rest while somebody waits, and only then."""

import asyncio
from typing import Any, cast

import pytest
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from consumers import resting
from consumers.lane import LANES
from consumers.resting import LONGEST, Resting
from producers.trace import new_id
from state.postgres.journal import Outcome
from state.redis.replies import Waited, announce
from tests.consumers.lanes import account_id

pytestmark = pytest.mark.asyncio


class Clock:
    """A clock that a batch and a rest move."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 100.0
        self.rests: list[float] = []
        monkeypatch.setattr(resting, "monotonic", lambda: self.now)
        monkeypatch.setattr(asyncio, "sleep", self._sleep)

    async def _sleep(self, seconds: float) -> None:
        self.rests.append(seconds)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


class Knowing:
    """A Redis that knows of somebody who waits, or does not."""

    def __init__(self, *, waited: bool) -> None:
        self._waited = waited
        self.asked = 0

    async def exists(self, _key: str) -> int:
        self.asked += 1
        return int(self._waited)


async def after_a_batch(redis: object, share: float, clock: Clock, *, took: float) -> list[float]:
    """How long a lane rests after a batch."""
    worker = Resting(cast(Redis, redis), share)
    with worker.working():
        clock.now += took
    await worker.rest()
    await worker.rest()
    return clock.rests


async def test_a_rest_is_a_share_of_the_work_before_it(clock: Clock) -> None:
    assert await after_a_batch(Knowing(waited=True), 0.5, clock, took=0.02) == [pytest.approx(0.01)]


async def test_a_batch_that_waited_for_a_store_is_followed_by_no_long_rest(clock: Clock) -> None:
    assert await after_a_batch(Knowing(waited=True), 0.5, clock, took=60) == [LONGEST]


async def test_while_nobody_waits_there_is_no_rest(clock: Clock) -> None:
    assert not await after_a_batch(Knowing(waited=False), 0.5, clock, took=0.02)


async def test_the_lane_of_commands_never_rests_nor_asks(clock: Clock) -> None:
    redis = Knowing(waited=True)
    assert not await after_a_batch(redis, LANES["commands"].rest, clock, took=0.02)
    assert not redis.asked


async def test_without_redis_there_is_no_rest_and_it_is_left_alone_for_a_while(clock: Clock) -> None:
    class Away(Knowing):
        async def exists(self, _key: str) -> int:
            self.asked += 1
            raise RedisConnectionError

    redis = Away(waited=True)
    waited = Waited(cast(Redis, redis))
    assert not [await waited.lately() for _ in range(5)].count(True)
    assert redis.asked == 1
    assert not await after_a_batch(redis, 0.5, clock, took=0.02)


@pytest.mark.stack
async def test_who_was_answered_counts_as_waiting_for_a_moment(redis: Redis) -> None:
    waited = Waited(redis)
    await redis.delete("replies:lately")
    assert not await waited.lately()
    await announce(
        redis, [(f"replies:{account_id()}", Outcome(new_id(), account_id(), "applied", None, None))]
    )
    assert await waited.lately()
    async with asyncio.timeout(5):
        while await waited.lately():
            await asyncio.sleep(0.05)


@pytest.mark.stack
async def test_what_nobody_waits_for_leaves_no_mark(redis: Redis) -> None:
    await redis.delete("replies:lately")
    nobody: list[Any] = []
    await announce(redis, nobody)
    assert not await Waited(redis).lately()
