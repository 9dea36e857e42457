"""A database that lost acknowledged commits: what Redis says of them is not believed."""

import asyncio

import pytest
from redis.asyncio import Redis
from uuid6 import uuid7

from state.postgres.connection import Connection
from state.postgres.history import history
from state.redis.dedup import Dedup
from tests.consumers.lanes import LaneUnderTest, account_id, count, until
from tests.consumers.test_loop import PROFILE, decided, register

pytestmark = [pytest.mark.asyncio, pytest.mark.stack]


async def test_commits_lost_in_a_failover_are_applied_again_though_redis_knows_them(
    commands: LaneUnderTest, facts: LaneUnderTest, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = account_id()
    await register(facts, connection, account)
    lives = iter(["first", "first", "second", "second", "second", "second"])

    async def named(_connection: Connection) -> str:
        return next(lives)

    monkeypatch.setattr("consumers.applier.history", named)
    async with commands.running(workers=1):
        await commands.publish(account, PROFILE)
        await until(decided(connection, 2))
        await asyncio.sleep(0.3)  # Redis is told after the commit.
        # The failover: the commit is gone, the cursor stands where it stood, connections break.
        await connection.execute("DELETE FROM journal WHERE lane = 'commands'")
        await connection.execute("DELETE FROM profiles")
        await connection.execute(
            "UPDATE cursors SET next_offset = 0 WHERE topic = $1", commands.lane.topic.name
        )
        await connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE application_name LIKE 'commands-%' AND datname = current_database()"
        )
        await commands.publish(account, PROFILE)

        async def restored() -> bool:
            return await count(connection, "profiles") == 1

        await until(restored)


async def test_the_filter_knows_a_command_only_under_the_history_that_committed_it(redis: Redis) -> None:
    dedup, command = Dedup(redis), (uuid7(), account_id())
    await dedup.mark("first", [command])
    assert await dedup.seen("first", [command]) == {command}
    assert await dedup.seen("second", [command]) == set()


async def test_a_history_names_system_timeline_and_database(connection: Connection) -> None:
    system, timeline, database = (await history(connection)).split("-", 2)
    assert int(system, 16) > 0
    assert int(timeline, 16) >= 1
    assert database == await connection.fetchval("SELECT current_database()")
