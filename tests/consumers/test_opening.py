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


def as_log(double: Any) -> Log:
    """The part of the port that opening uses."""
    return cast(Log, double)


async def test_a_cursor_that_another_worker_moves_meanwhile_is_not_ahead_of_the_log(
    stack: Stack, connection: Connection
) -> None:
    await rows.put(connection, LANE.group, LANE.topic.name, 0, 100)
    found = await cursors(as_log(GrowingLog(connection, end=100)), LANE, stack.database_url, [0])
    assert found == {0: 100}


async def test_a_partition_seen_for_the_first_time_starts_at_the_beginning_of_its_log(
    stack: Stack, connection: Connection
) -> None:
    class Kept(GrowingLog):
        async def bounds(self, partitions: Collection[int]) -> dict[int, tuple[int, int]]:
            return dict.fromkeys(partitions, (7, 100))

    assert await cursors(as_log(Kept(connection, 0)), LANE, stack.database_url, [3]) == {3: 7}


@pytest.mark.parametrize("cursor", [3, 101])
async def test_a_cursor_outside_the_log_is_for_a_person_to_decide(
    stack: Stack, connection: Connection, cursor: int
) -> None:
    class Kept(GrowingLog):
        async def bounds(self, partitions: Collection[int]) -> dict[int, tuple[int, int]]:
            return dict.fromkeys(partitions, (7, 100))

    await rows.put(connection, LANE.group, LANE.topic.name, 0, cursor)
    with pytest.raises(CursorOutsideLogError, match="fleet cursors set commands 0 7"):
        await cursors(as_log(Kept(connection, 0)), LANE, stack.database_url, [0])
