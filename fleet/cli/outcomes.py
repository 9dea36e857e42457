"""What came of a command, to an operator: waited for, read from the journal, told in a sentence."""

import asyncio
import sys
import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import click
import orjson

from fleet.cli.store import age, printable, with_store
from state.postgres import journal, parking
from state.postgres.connection import Connection, Row
from topics.ids import conclusion_id, is_uuid7

WAIT_SECONDS: Final = 10.0
_EVERY: Final = 0.1
REFUSED: Final = 1
UNKNOWN: Final = 3
"""Exit codes besides 0: refused or discarded; not decided yet, as far as can be told."""


@dataclass(frozen=True, slots=True)
class Found:
    """A command's last row in the journal, or since when it waits on its parked account's shelf, or neither."""

    command_id: UUID
    row: Row | None
    parked_at: datetime | None

    @property
    def known(self) -> bool:
        """Whether there is anything to tell."""
        return self.row is not None or self.parked_at is not None


@click.command()
@click.argument("operation_id", type=click.UUID)
@click.option("--result", "whole", is_flag=True, help="The whole answer, which may hold personal data.")
def operation(operation_id: UUID, *, whole: bool) -> None:
    """Show what came of a command, by the id under which it was asked for.

    Exits with 0 when it was applied, with 1 when it was refused or discarded, with 3 while there is no outcome.
    """
    if not is_uuid7(operation_id):
        raise click.BadParameter("The id of a command is a UUID of version 7.")
    tell(with_store(lambda connection: _look(connection, operation_id)), whole=whole)


def awaited(command_id: UUID) -> Found:
    """The outcome as soon as there is one, or nothing after `WAIT_SECONDS`."""
    try:
        return with_store(lambda connection: _wait(connection, command_id))
    except click.ClickException as away:
        raise click.ClickException(
            f"{away.message}. The command is on its way; what comes of it: `fleet operation {command_id}`."
        ) from None


async def _wait(connection: Connection, command_id: UUID) -> Found:
    deadline = time.monotonic() + WAIT_SECONDS
    while not (found := await _look(connection, command_id)).known and time.monotonic() < deadline:
        await asyncio.sleep(_EVERY)
    return found


async def _look(connection: Connection, command_id: UUID) -> Found:
    """The journal is asked again after the shelf: a release in between takes a command from one to the other."""
    row = await journal.find(connection, command_id)
    if row is not None and row["outcome"] == journal.ACCEPTED:
        row = await journal.find(connection, conclusion_id(command_id)) or row
    parked = None if row else await parking.find(connection, command_id)
    row = row or (None if parked else await journal.find(connection, command_id))
    return Found(command_id, row, parked["parked_at"] if parked else None)


def tell(found: Found, *, whole: bool = False) -> None:
    """Print it; ends the process unless it was applied."""
    if found.row is None:
        click.echo(_waiting(found))
        sys.exit(UNKNOWN)
    row = found.row
    answer = orjson.loads(row["answer"]) if row["answer"] else {}
    click.echo(f"{row['type']} for account {row['account_id']}, by {printable(row['actor'])}:")
    click.echo(_outcome(row, answer))
    if whole:
        click.echo(printable(orjson.dumps(answer, option=orjson.OPT_INDENT_2).decode()))
    if row["outcome"] == journal.ACCEPTED:
        sys.exit(UNKNOWN)
    if row["outcome"] != "applied":
        sys.exit(REFUSED)


def _waiting(found: Found) -> str:
    if found.parked_at:
        return (
            f"Set aside {age(found.parked_at)} ago, because its account is parked: it is decided when the account "
            f"is released (`fleet parked list`)."
        )
    return (
        f"No outcome yet. Ask again with `fleet operation {found.command_id}`; if that lasts, look at the lag of "
        f"the lane."
    )


def _outcome(row: Row, answer: dict[str, Any]) -> str:
    since = f"{age(row['decided_at'])} ago"
    if row["outcome"] == journal.ACCEPTED:
        return f"Accepted {since}; its effect is not done yet (`fleet effects list`)."
    if row["outcome"] != "applied":
        return f"{row['outcome'].capitalize()} {since} ({row['code']}): {why(answer)}"
    return f"Applied {since}. {_moved(answer)}".rstrip()


def why(answer: dict[str, Any]) -> str:
    """The sentence of a refusal, and what is wrong with which field."""
    sentence = str(answer.get("message", "Its reason was erased with the account."))
    return printable("\n  ".join([sentence, *_problems(answer)]))


def _problems(answer: dict[str, Any]) -> list[str]:
    return [f"{problem['pointer']}: {problem['message']}" for problem in answer.get("problems", ())]


def _moved(answer: dict[str, Any]) -> str:
    """What a release or a discard did to the shelf; nothing for other commands."""
    if "remaining" not in answer:
        return ""
    done = f"{answer['released']} released" if "released" in answer else f"{answer['discarded']} discarded"
    if not answer["remaining"]:
        return f"{done}, none remain parked."
    if "discarded" in answer:
        return f"{done}, {answer['remaining']} remain parked until the account is released."
    why = "`fleet parked list` shows why; without an error, release again."
    return f"{done}, {answer['remaining']} remain parked. {why}"
