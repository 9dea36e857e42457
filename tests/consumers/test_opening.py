"""Where a partition is opened: at its cursor, and only if the log holds what follows."""

from collections.abc import Collection
from dataclasses import replace
from typing import Any, cast

import pytest

from consumers.lane import LANES, Lane
from consumers.log import Log
from consumers.opening import CursorOutsideLogError, cursors
from state.postgres import cursors as rows
from state.postgres.connection import Connection
from tests.conftest import Stack

pytestmark = [pytest.mark.asyncio, pytest.mark.stack]

LANE: Lane = replace(LANES["commands"], group="test.opening")


class GrowingLog:
    """A log of which another worker applies more, just when its end has been asked for."""

    def __init__(self, connection: Connection, end: int) -> None:
        self._connection, self._end = connection, end

    async def bounds(self, partitions: Collection[int]) -> dict[int, tuple[int, int]]:
        """Tell the end as it is, then move on."""
        told = dict.fromkeys(partitions, (0, self._end))
        self._end += 50
        await rows.put(self._connection, LANE.group, LANE.topic.name, 0, self._end)
        return told

    async def committed(self, _partition: int) -> int | None:
        """Nothing was committed."""
        return None


class Remembered(GrowingLog):
    """A log that holds 7 to 100, and a group that committed."""

    def __init__(self, connection: Connection, end: int, committed: int) -> None:
        super().__init__(connection, end)
        self._committed = committed

    async def bounds(self, partitions: Collection[int]) -> dict[int, tuple[int, int]]:
        """As it is."""
        return dict.fromkeys(partitions, (7, 100))

    async def committed(self, _partition: int) -> int | None:
        """What was committed."""
        return self._committed


def as_log(double: Any) -> Log:
    """The part of the port that opening uses."""
    return cast(Log, double)


async def opened(double: Any, stack: Stack, partition: int) -> dict[int, int]:
    """Where one partition is opened."""
    return await cursors(as_log(double), LANE, stack.database_url, [partition], wanted=lambda: True)


async def test_a_cursor_that_another_worker_moves_meanwhile_is_not_ahead_of_the_log(
    stack: Stack, connection: Connection
) -> None:
    await rows.put(connection, LANE.group, LANE.topic.name, 0, 100)
    found = await opened(GrowingLog(connection, end=100), stack, 0)
    assert found == {0: 100}


async def test_a_partition_seen_for_the_first_time_starts_at_the_beginning_of_its_log(
    stack: Stack, connection: Connection
) -> None:
    class Kept(GrowingLog):
        async def bounds(self, partitions: Collection[int]) -> dict[int, tuple[int, int]]:
            return dict.fromkeys(partitions, (7, 100))

    assert await opened(Kept(connection, 0), stack, 3) == {3: 7}


async def test_a_partition_without_a_cursor_starts_where_its_group_stands(
    stack: Stack, connection: Connection
) -> None:
    assert await opened(Remembered(connection, 0, committed=40), stack, 3) == {3: 40}


@pytest.mark.parametrize("committed", [3, 101])
async def test_where_its_group_stands_must_be_in_the_log_too(
    stack: Stack, connection: Connection, committed: int
) -> None:
    with pytest.raises(
        CursorOutsideLogError, match=f"the next record is that at {committed}, the log holds 7"
    ):
        await opened(Remembered(connection, 0, committed=committed), stack, 3)


async def test_who_is_told_to_stop_does_not_wait_for_a_store_that_is_away(connection: Connection) -> None:
    left = iter((True, True, False))
    nowhere = "postgresql://nobody@127.0.0.1:1/nothing"
    log = as_log(GrowingLog(connection, end=100))
    assert await cursors(log, LANE, nowhere, [0], wanted=lambda: next(left)) == {}


@pytest.mark.parametrize("cursor", [3, 101])
async def test_a_cursor_outside_the_log_is_for_a_person_to_decide(
    stack: Stack, connection: Connection, cursor: int
) -> None:
    class Kept(GrowingLog):
        async def bounds(self, partitions: Collection[int]) -> dict[int, tuple[int, int]]:
            return dict.fromkeys(partitions, (7, 100))

    await rows.put(connection, LANE.group, LANE.topic.name, 0, cursor)
    with pytest.raises(CursorOutsideLogError, match="fleet cursors set commands 0 7"):
        await opened(Kept(connection, 0), stack, 0)
