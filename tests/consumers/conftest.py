"""Lanes of a test's own."""

from collections.abc import AsyncIterator

import pytest_asyncio
from redis.asyncio import Redis

from tests.conftest import Stack
from tests.consumers.lanes import LaneUnderTest, lane_under_test


@pytest_asyncio.fixture(loop_scope="session")
async def commands(stack: Stack, redis: Redis) -> AsyncIterator[LaneUnderTest]:
    """The commands lane."""
    async with lane_under_test("commands", stack, redis) as lane:
        yield lane


@pytest_asyncio.fixture(loop_scope="session")
async def facts(stack: Stack, redis: Redis) -> AsyncIterator[LaneUnderTest]:
    """The facts lane."""
    async with lane_under_test("facts", stack, redis) as lane:
        yield lane


@pytest_asyncio.fixture(loop_scope="session")
async def bulk(stack: Stack, redis: Redis) -> AsyncIterator[LaneUnderTest]:
    """The bulk lane."""
    async with lane_under_test("bulk", stack, redis) as lane:
        yield lane
