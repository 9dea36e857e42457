"""The command line as typed, against this test's stores and a lane of its own."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace

import pytest
import pytest_asyncio
from click.testing import CliRunner, Result
from redis.asyncio import Redis

from fleet.cli import commands as cli_commands
from fleet.cli import cursors as cli_cursors
from fleet.cli import dead_letters as cli_dead_letters
from fleet.cli import main
from fleet.kafka_topics import ensure_topics
from tests.conftest import Stack
from tests.consumers.lanes import LaneUnderTest, lane_under_test
from topics.table import DEAD_LETTERS, Topic


@pytest.fixture
def fleet(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """`fleet ...`; what stands on standard error is in the output too."""
    monkeypatch.setenv("DATABASE_URL", stack.database_url)
    monkeypatch.setenv("REDIS_URL", stack.redis_url)
    monkeypatch.setenv("KAFKA_BOOTSTRAP", stack.kafka_bootstrap)

    def typed(*words: str) -> Result:
        return CliRunner().invoke(main, words)

    return typed


@pytest.fixture
def typed(fleet: Callable[..., Result]) -> Callable[..., Awaitable[Result]]:
    """`fleet ...` beside a lane that works meanwhile."""

    async def beside(*words: str) -> Result:
        return await asyncio.to_thread(fleet, *words)

    return beside


@pytest_asyncio.fixture(loop_scope="session")
async def commands(
    stack: Stack, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[LaneUnderTest]:
    """A commands lane of this test alone, which the command line takes for the only one."""
    async with lane_under_test("commands", stack, redis) as lane:
        monkeypatch.setattr(cli_commands, "COMMANDS", lane.lane.topic)
        monkeypatch.setattr(cli_cursors, "LANES", {"commands": lane.lane})
        monkeypatch.setattr(cli_dead_letters, "LANES", {"commands": lane.lane})
        yield lane


@pytest_asyncio.fixture(loop_scope="session")
async def dead_letters(commands: LaneUnderTest, monkeypatch: pytest.MonkeyPatch) -> Topic:
    """A dead-letter topic of this test alone."""
    topic = replace(DEAD_LETTERS, name=f"{commands.lane.topic.name}.dead", partitions=3)
    await ensure_topics(commands.stack.kafka_bootstrap, topics=[topic])
    monkeypatch.setattr(cli_dead_letters, "DEAD_LETTERS", topic)
    return topic
