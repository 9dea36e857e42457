"""The cursor fence: how far a group has applied a partition, moved only from the value it last had."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from state.postgres.connection import Connection, Row
from state.postgres.queries import queries

SQL: Final = queries("cursors")


@dataclass(frozen=True, slots=True)
class Span:
    """Offsets of one partition applied by a batch: from the cursor's value up to the next one."""

    partition: int
    start: int
    stop: int


async def read(connection: Connection, group: str, topic: str, partitions: Iterable[int]) -> dict[int, int]:
    """The next offset of each partition that has a cursor."""
    rows = await connection.fetch(SQL.read, group, topic, list(partitions))
    return {row["partition"]: row["next_offset"] for row in rows}


async def open_all(connection: Connection, group: str, topic: str, starts: Mapping[int, int]) -> None:
    """Give partitions without a cursor their first one; an existing one stays."""
    await connection.executemany(
        SQL.open, [(group, topic, p, offset) for p, offset in sorted(starts.items())]
    )


async def advance(connection: Connection, group: str, topic: str, spans: Iterable[Span]) -> set[int]:
    """Move the cursors by compare-and-set; gives the partitions that moved.

    A partition that is missing was applied by another worker meanwhile: its records must be left alone.
    """
    ordered = sorted(spans, key=lambda span: span.partition)
    rows = await connection.fetch(
        SQL.advance,
        group,
        topic,
        [span.partition for span in ordered],
        [span.start for span in ordered],
        [span.stop for span in ordered],
    )
    return {row["partition"] for row in rows}


async def listed(connection: Connection) -> Sequence[Row]:
    """Every cursor, for an operator."""
    return await connection.fetch(SQL.listed)


async def put(connection: Connection, group: str, topic: str, partition: int, offset: int) -> None:
    """Set a cursor by an operator's decision, whatever it was."""
    await connection.execute(SQL.put, group, topic, partition, offset)
