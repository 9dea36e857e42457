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
from state.postgres.migrate import MigrationFailedError

T = TypeVar("T")

WIDE = 2000
"""Columns when nobody is looking: whoever reads a pipe wants whole lines, however long."""
LEAST = 9
"""What every other column has to have left of the screen for a name of a field to be kept whole."""
NAMED = "field"
"""The column with names of fields."""


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
    except MigrationFailedError as failed:
        raise click.ClickException(f"The schema is not up to date. {failed}") from None
    except (*STORE_DOWN, PostgresError) as down:
        raise click.ClickException(f"PostgreSQL can't be asked (DATABASE_URL): {down}") from None


def show(title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]], *, empty: str) -> None:
    """Print a table, or a sentence when there is nothing in it."""
    console = Console(width=None if sys.stdout.isatty() else WIDE)
    table = Table(title=title, title_justify="left")
    kept = [[_cell(cell) for cell in row] for row in rows]
    place = columns.index(NAMED) if NAMED in columns else None
    whole = None if place is None else _fitted(kept, place, console.width)
    for column in columns:
        table.add_column(column, overflow="fold", width=whole if column == NAMED else None)
    for row in kept:
        table.add_row(*map(Text, row))
    console.print(table if table.row_count else empty)


def value(text: str | None) -> str:
    """One side of a difference; None is an object that this side has not."""
    return "(none)" if text is None else text


def _fitted(rows: Sequence[list[str]], place: int, width: int) -> int | None:
    """How wide the column of names is to be: in one line each, else broken at their dots, not within a word.

    None where there is no room for either: a column that may not shrink would push the last ones off the screen.
    """
    columns = max(map(len, rows), default=0)
    room = width - columns * len(" | ") - 1 - (columns - 1) * LEAST
    for broken in (False, True):
        for row in rows if broken else ():
            row[place] = row[place].replace(".", ".\n")
        longest = max((len(line) for row in rows for line in row[place].split("\n")), default=0)
        if longest <= room:
            return max(longest, len(NAMED))
    return None


def _cell(cell: object) -> str:
    return "" if cell is None else printable(str(cell))


def printable(text: str) -> str:
    """What others wrote, with nothing in it that a terminal obeys; lines stay lines."""
    return "".join(found if found.isprintable() or found == "\n" else repr(found)[1:-1] for found in text)


def age(since: datetime | None) -> str:
    """How long ago, to a person: `3 min`."""
    if since is None:
        return ""
    return _span((datetime.now(UTC) - since).total_seconds())


def from_now(moment: datetime | None) -> str:
    """Where a moment lies from now, to a person: `3 min ago`, `in 89 d`."""
    if moment is None:
        return ""
    seconds = (datetime.now(UTC) - moment).total_seconds()
    return f"{_span(seconds)} ago" if seconds >= 0 else f"in {_span(-seconds)}"


def _span(seconds: float) -> str:
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
