"""Parked commands: one could not be decided, so it and its account's later ones wait, whole and in order."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import orjson

from state.postgres.connection import Connection, Row
from state.postgres.queries import queries
from topics.message import Received, Record

SQL: Final = queries("parking")

COUNTED: Final = 1_000
"""Accounts, for the gauges; more are not counted."""

ParkedRow = tuple[str, UUID, str, str, int, int, int, str, bytes, str | None, datetime]


def row(received: Received, lane: str, error: str | None, now: datetime) -> ParkedRow:
    """A command as it is set aside; `error` says what failed, for the one that stands first."""
    record = received.record
    headers = orjson.dumps([(name, (value or b"").decode()) for name, value in record.headers]).decode()
    return (
        received.account_id,
        received.id,
        lane,
        record.topic,
        record.partition,
        record.offset,
        record.timestamp_ms,
        headers,
        record.value or b"",
        error,
        now,
    )


async def add(connection: Connection, rows: Sequence[ParkedRow]) -> None:
    """Set commands aside behind those that already wait."""
    await connection.execute(SQL.add, rows)


async def shelved(connection: Connection, account_ids: Sequence[str]) -> set[str]:
    """Which of the accounts have commands waiting."""
    return {found["account_id"] for found in await connection.fetch(SQL.shelved, account_ids)}


async def load(connection: Connection, account_ids: Sequence[str]) -> dict[str, list[Record]]:
    """The waiting records of each account, in their order."""
    shelves: dict[str, list[Record]] = {}
    for found in await connection.fetch(SQL.load, account_ids):
        shelves.setdefault(found["account_id"], []).append(_record(found))
    return shelves


async def remove(connection: Connection, account_ids: Sequence[str], command_ids: Sequence[UUID]) -> None:
    """Take commands off the shelf, in the transaction that decides them."""
    await connection.execute(SQL.remove, account_ids, command_ids)


async def note_error(connection: Connection, account_id: str, command_id: UUID, error: str) -> None:
    """Say why a released command still can't be decided."""
    await connection.execute(SQL.note_error, account_id, command_id, error)


async def listed(connection: Connection, limit: int) -> Sequence[Row]:
    """The parked accounts, longest first, each with its first command and what is wrong with it."""
    return await connection.fetch(SQL.listed, limit)


async def find(connection: Connection, command_id: UUID) -> Row | None:
    """Whether a command waits here, and since when; `asked` reads its headers."""
    return await connection.fetchrow(SQL.find, command_id)


def asked(found: Row) -> tuple[str, str]:
    """The type of a command that waits here, and who asked for it."""
    headers = dict(orjson.loads(found["headers"]))
    return headers.get("ce_type", ""), headers.get("ce_actor", "")


async def backlog(connection: Connection) -> tuple[int, float]:
    """How many accounts are parked, up to `COUNTED`, and for how many seconds the oldest of them has been."""
    found = await connection.fetchrow(SQL.backlog, COUNTED)
    return (found["accounts"], found["oldest"]) if found else (0, 0.0)


def _record(found: Row) -> Record:
    return Record(
        topic=found["topic"],
        partition=found["partition"],
        offset=found["record_offset"],
        timestamp_ms=found["timestamp_ms"],
        key=found["account_id"].encode(),
        value=found["body"],
        headers=tuple((name, value.encode()) for name, value in orjson.loads(found["headers"])),
    )
