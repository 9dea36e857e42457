"""Outcomes on their way through Redis, and how a listener finds out that nobody speaks any more."""

import asyncio
from contextlib import suppress
from urllib.parse import urlsplit

import pytest
from redis.asyncio import Redis

from producers.trace import new_id
from sandbox.local.proxy import FaultProxy
from state.postgres.journal import Outcome
from state.redis import replies
from state.redis.connection import REDIS_DOWN, connect
from state.redis.replies import announce, listen
from tests.conftest import Stack
from tests.consumers.lanes import account_id

pytestmark = [pytest.mark.asyncio, pytest.mark.stack]


async def test_a_quiet_redis_is_still_listened_to(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replies, "_SILENCE", 0.02)
    outcome = Outcome(new_id(), account_id(), "applied", None, "{}")
    async with listen(redis, "replies:quiet") as batches:
        heard = asyncio.ensure_future(anext(batches))
        await asyncio.wait([heard], timeout=0.2)  # several pings
        await announce(redis, [("replies:quiet", outcome)])
        assert await heard == [outcome]


async def test_a_redis_that_hangs_is_noticed_though_its_connection_stays_open(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replies, "_SILENCE", 0.05)
    async with FaultProxy(urlsplit(stack.redis_url).port or 6379) as proxy:
        redis = connect(f"redis://127.0.0.1:{proxy.port}/0")
        try:
            async with listen(redis, "replies:frozen") as batches:
                proxy.blackhole()
                with pytest.raises(REDIS_DOWN):
                    await anext(batches)
        finally:
            await redis.aclose()


class SwallowingPubSub:
    """Loses a cancellation as redis-py does: the timeout around its reading takes it for its own."""

    def __init__(self) -> None:
        self.reading = asyncio.Event()

    async def get_message(self, *, timeout: float) -> None:
        """Nothing, also when it was cancelled."""
        self.reading.set()
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(timeout)

    async def ping(self) -> None:
        """Heard by nobody."""


async def test_a_cancellation_that_the_client_swallows_ends_the_listener_all_the_same() -> None:
    pubsub = SwallowingPubSub()
    listening = asyncio.ensure_future(anext(replies._batches(pubsub)))
    await pubsub.reading.wait()
    listening.cancel()
    done, _ = await asyncio.wait([listening], timeout=5)
    assert done
    assert listening.cancelled()
