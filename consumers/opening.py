"""Opening partitions: where the cursor stands, and that the log still has what follows it."""

import asyncio
from collections.abc import Callable, Collection, Mapping
from typing import Final

import structlog
from aiokafka.errors import KafkaError

from consumers.lane import Lane
from consumers.log import Log
from state.postgres import cursors as cursor_rows
from state.postgres.connection import STORE_DOWN, connect

log = structlog.get_logger()

TRY_SECONDS: Final = 15.0
"""For one look at the stores: whoever is told to stop waits no longer for it."""
MAX_BACKOFF: Final = 5.0


class CursorOutsideLogError(Exception):
    """The log does not hold what follows the cursor: records were deleted unread, or the topic is another.

    Never reset silently: a person decides, with `fleet cursors set`.
    """

    def __init__(self, lane: Lane, partition: int, cursor: int, first: int, following: int) -> None:
        super().__init__(
            f"{lane.topic.name}/{partition}: the next record is that at {cursor}, the log holds {first} to "
            f"{following}. Find out what is missing, then: fleet cursors set {lane.name} {partition} {first}"
        )


async def cursors(
    kafka: Log, lane: Lane, dsn: str, partitions: Collection[int], *, wanted: Callable[[], bool]
) -> dict[int, int]:
    """The next offset to apply of each partition; waits for stores that are down, for as long as `wanted` says.

    Empty after that. A partition seen for the first time starts at the group's committed offset, else at its
    beginning. Raises `CursorOutsideLogError`.
    """
    delay = 0.1
    while wanted():
        try:
            async with asyncio.timeout(TRY_SECONDS):
                return await _cursors(kafka, lane, dsn, partitions)
        except (*STORE_DOWN, KafkaError) as down:
            log.warning("opening_waits", lane=lane.name, error=type(down).__name__)
            await asyncio.sleep(delay)
            delay = min(MAX_BACKOFF, delay * 2)
    return {}


async def _cursors(kafka: Log, lane: Lane, dsn: str, partitions: Collection[int]) -> dict[int, int]:
    """The log is looked at after the cursors: a cursor that another worker moves on meanwhile is not ahead of it."""
    found = await _kept(kafka, lane, dsn, partitions)
    await still_held(kafka, lane, found)
    return found


async def still_held(kafka: Log, lane: Lane, following: Mapping[int, int]) -> None:
    """Whether the log holds what is to be read next, by partition: it begins no later and ends no earlier.

    Raises `CursorOutsideLogError`, or `KafkaError` when it can't be asked.
    """
    bounds = await kafka.bounds(following)
    for partition, offset in following.items():
        first, end = bounds[partition]
        if not first <= offset <= end:
            raise CursorOutsideLogError(lane, partition, offset, first, end)


async def _kept(kafka: Log, lane: Lane, dsn: str, partitions: Collection[int]) -> dict[int, int]:
    connection = await connect(dsn, name=f"{lane.name}-opening")
    try:
        found = await cursor_rows.read(connection, lane.group, lane.topic.name, partitions)
        missing = [partition for partition in partitions if partition not in found]
        if missing:
            bounds = await kafka.bounds(missing)
            starts = {p: await _start(kafka, p, bounds[p][0]) for p in missing}
            await cursor_rows.open_all(connection, lane.group, lane.topic.name, starts)
            found = await cursor_rows.read(connection, lane.group, lane.topic.name, partitions)
        return found
    finally:
        await connection.close(timeout=2)


async def _start(kafka: Log, partition: int, first: int) -> int:
    """What the log dropped behind the group's offset was not applied: that is no place to begin in silence."""
    committed = await kafka.committed(partition)
    return first if committed is None else committed
