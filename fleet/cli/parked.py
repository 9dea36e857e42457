"""`fleet parked`: accounts whose commands were set aside, and how to move them on."""

from uuid import UUID

import click

from fleet.cli.arguments import REASON, ROWS
from fleet.cli.commands import ask
from fleet.cli.store import age, show, with_store
from state.postgres import parking as rows
from topics.parking import DiscardParked, ReleaseParked


@click.group()
def parked() -> None:
    """Accounts whose commands wait because one of them could not be decided."""


@parked.command("list")
@click.option("--limit", type=ROWS, default=50, show_default=True)
def listed(limit: int) -> None:
    """Show parked accounts, longest first, with the command that stands first."""
    found = with_store(lambda connection: rows.listed(connection, limit))
    columns = ("account", "commands", "since", "first command", "error", "source")
    show(
        "Parked accounts",
        columns,
        (
            (
                row["account_id"],
                row["commands"],
                age(row["since"]),
                row["first_command"],
                row["error"],
                row["source"],
            )
            for row in found
        ),
        empty="No account is parked.",
    )


@parked.command()
@click.argument("account_id")
@click.option("--reason", type=REASON, required=True, help="Why it should go well now; kept in the journal.")
def release(account_id: str, reason: str) -> None:
    """Apply an account's parked commands again, in their order."""
    ask(account_id, ReleaseParked(reason=reason))


@parked.command()
@click.argument("account_id")
@click.argument("command_id", type=click.UUID)
@click.option("--reason", type=REASON, required=True, help="Why it is given up; kept with the dead letter.")
def discard(account_id: str, command_id: UUID, reason: str) -> None:
    """Give up one parked command: it becomes a dead letter. The account's others stay parked."""
    ask(account_id, DiscardParked(command_id=command_id, reason=reason))
