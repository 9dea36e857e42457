"""`fleet effects`: work owed to Stripe and others, what became of it, and another try."""

from uuid import UUID

import click

from fleet.cli.arguments import ROWS
from fleet.cli.store import age, show, with_store
from state.postgres import effects as rows
from topics.message import Urgency

STATES = ("open", "failed", "done")
COLUMNS = ("effect", "account", "kind", "urgency", "state", "attempts", "age", "next", "last error")


@click.group()
def effects() -> None:
    """Work owed to the outside: what waits, since when, and why."""


@effects.command("list")
@click.option(
    "--state", type=click.Choice(["open", "failed", "done"]), multiple=True, default=("open", "failed")
)
@click.option("--limit", type=ROWS, default=50, show_default=True)
def listed(state: tuple[str, ...], limit: int) -> None:
    """Show effects, oldest first."""
    found = with_store(lambda connection: rows.listed(connection, states=list(state), limit=limit))
    show(
        "Effects",
        COLUMNS,
        (
            (
                row["id"],
                row["account_id"],
                row["kind"],
                Urgency(row["urgency"]).name.lower(),
                f"{row['state']} (leased)" if row["leased_by"] else row["state"],
                row["attempts"],
                age(row["created_at"]),
                row["due_at"].strftime("%H:%M:%S") if row["state"] == "open" else None,
                row["last_error"],
            )
            for row in found
        ),
        empty="No such effects: everything owed was done.",
    )


@effects.command()
@click.argument("effect_id", type=click.UUID, required=False)
@click.option("--all-failed", is_flag=True, help="Every effect that failed for good.")
def retry(effect_id: UUID | None, *, all_failed: bool) -> None:
    """Try an effect again at once."""
    if (effect_id is None) == (not all_failed):
        raise click.UsageError("Name one effect, or say --all-failed.")
    reopened = with_store(lambda connection: rows.reopen(connection, effect_id))
    click.echo(
        f"{len(reopened)} to be tried again." if reopened else "Nothing to retry: done, or asked for anew."
    )
