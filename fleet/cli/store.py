"""What the operator's commands share: a connection for one command, and a table to read."""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

import click
from asyncpg import PostgresError, UndefinedTableError
from rich.console import Console
from rich.table import Table
from rich.text import Text

from fleet.settings import Settings
from state.postgres.connection import STORE_DOWN, Connection, connect

T = TypeVar("T")

WIDE = 200
"""Columns when nobody is looking: whoever reads a pipe wants whole ids."""


def with_store(work: Callable[[Connection], Awaitable[T]], *, patient: bool = False) -> T:
    """Run one piece of work on a connection; a store that is down is a sentence, not a traceback."""

    async def run() -> T:
        connection = await connect(Settings().database_url, name="fleet-cli", patient=patient)
        try:
            return await work(connection)
        finally:
            await connection.close(timeout=2)

    try:
        return asyncio.run(run())
    except UndefinedTableError:
        raise click.ClickException("The schema is not there yet: run `fleet migrate`.") from None
    except (*STORE_DOWN, PostgresError) as down:
        raise click.ClickException(f"PostgreSQL can't be asked (DATABASE_URL): {down}") from None


def show(title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]], *, empty: str) -> None:
    """Print a table, or a sentence when there is nothing in it."""
    table = Table(title=title, title_justify="left")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(Text("" if cell is None else printable(str(cell))) for cell in row))
    console = Console(width=None if sys.stdout.isatty() else WIDE)
    console.print(table if table.row_count else empty)


def printable(text: str) -> str:
    """What others wrote, with nothing in it that a terminal obeys; lines stay lines."""
    return "".join(found if found.isprintable() or found == "\n" else repr(found)[1:-1] for found in text)


def age(since: datetime | None) -> str:
    """How long ago, to a person: `3 min`."""
    if since is None:
        return ""
    seconds = (datetime.now(UTC) - since).total_seconds()
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
