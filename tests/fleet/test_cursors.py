"""`fleet cursors set`: only where the log is, and only while nobody works there."""

from collections.abc import Awaitable, Callable

import pytest
from click.testing import Result

from state.postgres.connection import Connection
from tests.consumers.lanes import LaneUnderTest, until

pytestmark = [pytest.mark.asyncio, pytest.mark.stack]

Typed = Callable[..., Awaitable[Result]]


async def written(lane: LaneUnderTest, partition: int, number: int) -> None:
    """So many records in a partition."""
    for _ in range(number):
        await lane.producer.send_and_wait(lane.lane.topic.name, b"?", partition=partition)


async def cursors(connection: Connection) -> dict[int, int]:
    """Where the cursors stand."""
    rows = await connection.fetch("SELECT partition, next_offset FROM cursors")
    return {row["partition"]: row["next_offset"] for row in rows}


async def test_a_cursor_is_moved_only_after_a_yes_and_with_a_word_of_what_is_skipped(
    commands: LaneUnderTest, connection: Connection, typed: Typed
) -> None:
    await written(commands, 0, 7)
    asked = await typed("cursors", "set", "commands", "0", "7")
    assert asked.exit_code == 1
    assert "has no cursor yet" in asked.output
    assert await cursors(connection) == {}
    assert (await typed("cursors", "set", "commands", "0", "2", "--yes")).exit_code == 0
    forward = await typed("cursors", "set", "commands", "0", "7", "--yes")
    assert (forward.exit_code, "never applies 2 to 6, 5 in all" in forward.output) == (0, True)
    assert await cursors(connection) == {0: 7}
    back = await typed("cursors", "set", "commands", "0", "0", "--yes")
    assert (back.exit_code, "is read again" in back.output) == (0, True)
    assert await cursors(connection) == {0: 0}


@pytest.mark.parametrize("partition", ["3", "99"])
async def test_a_partition_that_the_topic_has_not_is_refused(
    commands: LaneUnderTest, connection: Connection, typed: Typed, partition: str
) -> None:
    refused = await typed("cursors", "set", "commands", partition, "0", "--yes", "--force")
    assert refused.exit_code == 2
    assert f"has the partitions 0 to 2, not {partition}" in refused.output
    assert await cursors(connection) == {}


async def test_an_offset_outside_of_the_log_is_refused(
    commands: LaneUnderTest, connection: Connection, typed: Typed
) -> None:
    await written(commands, 1, 2)
    refused = await typed("cursors", "set", "commands", "1", "3", "--yes", "--force")
    assert refused.exit_code == 2
    assert "holds 0 to 2: a cursor at 3 would halt the lane" in refused.output
    assert await cursors(connection) == {}


async def test_the_cursor_of_a_lane_at_work_stays_unless_it_is_forced(
    commands: LaneUnderTest, connection: Connection, typed: Typed
) -> None:
    await written(commands, 0, 2)
    async with commands.running():

        async def applied() -> bool:
            return await cursors(connection) == {0: 2, 1: 0, 2: 0}

        await until(applied)
        refused = await typed("cursors", "set", "commands", "0", "1", "--yes")
        assert refused.exit_code == 1
        assert f"The group {commands.lane.group} has 1 member. Stop the workers" in refused.output
        assert await cursors(connection) == {0: 2, 1: 0, 2: 0}
        forced = await typed("cursors", "set", "commands", "0", "1", "--yes", "--force")
        assert forced.exit_code == 0
        assert (await cursors(connection))[0] == 1
        # The worker is refused its next batch, looks again, and applies what it was sent back to.
        await written(commands, 0, 1)

        async def again() -> bool:
            return (await cursors(connection))[0] == 3

        await until(again)
    letters = await connection.fetchval("SELECT count(*) FROM outbox")
    assert letters == 4
    assert (await typed("cursors", "set", "commands", "0", "0", "--yes")).exit_code == 0


async def test_kafka_away_is_a_sentence(
    commands: LaneUnderTest, typed: Typed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KAFKA_BOOTSTRAP", "127.0.0.1:1")
    away = await typed("cursors", "set", "commands", "0", "0", "--yes")
    assert away.exit_code == 1
    assert "Kafka can't be asked (KAFKA_BOOTSTRAP)" in away.output
