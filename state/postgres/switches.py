"""Switches with which an operator stops what works by itself, by the name of what they stop."""

from typing import Final

from state.postgres.connection import Connection, Row
from state.postgres.queries import queries

SQL: Final = queries("switches")


async def switch(connection: Connection, name: str, *, off: bool, by: str, reason: str) -> None:
    """Stop it, or let it go on."""
    await connection.execute(SQL.switch, name, off, by, reason)


async def switched_off(connection: Connection, name: str) -> Row | None:
    """Who stopped it, why and since when; None while it may run."""
    return await connection.fetchrow(SQL.switched_off, name)
