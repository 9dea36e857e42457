"""Runs of repairs."""

from datetime import timedelta
from typing import Final
from uuid import UUID

from handlers.drift import BEYOND_REPAIR
from state.postgres.connection import Connection, Row
from state.postgres.queries import queries

SQL: Final = queries("repairs")
SWITCH: Final = "drift.repair"
"""The switch that stops them (state/postgres/switches.py)."""


async def begin(
    connection: Connection, run: UUID, *, share: int, cap: int, accounts: int, by: str, reason: str
) -> None:
    """A run begins: for how many accounts, who asked for it and why."""
    await connection.execute(SQL.begin, run, share, cap, accounts, by, reason)


async def count(connection: Connection, run: UUID, *, applied: int, refused: int) -> None:
    """Add to what came of its commands."""
    await connection.execute(SQL.count, run, applied, refused)


async def finish(connection: Connection, run: UUID, *, stopped: bool) -> None:
    """All its commands have their outcome, or it was stopped."""
    await connection.execute(SQL.finish, run, "stopped" if stopped else "done")


async def listed(connection: Connection, *, within: timedelta, limit: int) -> list[Row]:
    """The runs of a time, newest first; `left` is how many differences of each are still open that a repair ends."""
    return await connection.fetch(SQL.listed, within, limit, BEYOND_REPAIR)
