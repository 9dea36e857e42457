"""`fleet paypal-migrations`: move PayPal methods in Braintree's vault, a batch at a time, and see how far it is."""

import getpass
from collections.abc import Sequence

import click

from fleet.cli.commands import ask
from fleet.cli.store import age, show, with_store
from producers.trace import new_id
from state.postgres import paypal_batches, switches
from state.postgres.connection import Connection, Row
from state.postgres.paypal_migrations import migration
from topics.ids import ACCOUNT_ID
from topics.paypal_batches import MOST, ResumePayPalBatch, StartPayPalBatch, StopPayPalBatch
from topics.paypal_migrations import RollBackPayPalMigration

LISTED = 20


@click.group("paypal-migrations")
def paypal_migrations() -> None:
    """The PayPal fix: one-time nonces kept as tokens, agreements on the wrong customer, PayPal dunned as a card.

    A batch begins as a dry run; look at what it found, then begin the run after it. Nothing is charged, and the old
    reference of a method stays in the vault until a payment went through with the new one.
    """


@paypal_migrations.command()
@click.argument("accounts", nargs=-1)
@click.option("--after", help="The dry run whose findings are to be corrected. Without it this is a dry run.")
@click.option("--cap", type=click.IntRange(1, MOST), default=100, show_default=True, help="Accounts at most.")
@click.option("--reason", required=True, help="Why; kept with the batch.")
def start(accounts: tuple[str, ...], after: str | None, cap: int, reason: str) -> None:
    """Begin a batch over ACCOUNTS, or over all that have something in Braintree's vault."""
    for account_id in accounts:
        if not ACCOUNT_ID.fullmatch(account_id):
            raise click.BadParameter(f"{account_id}: an account id has 32 lower-case hexadecimal characters.")
    if after is not None:
        with_store(lambda connection: _must_be_through(connection, after))
    batch_id = new_id().hex
    ask(
        batch_id,
        StartPayPalBatch(
            dry_run=after is None, after=after, accounts=tuple(accounts), cap=cap, reason=reason
        ),
    )
    click.echo(f"`fleet paypal-migrations show {batch_id}` says how far it has come.")


async def _must_be_through(connection: Connection, batch: str) -> None:
    found = await paypal_batches.find(connection, batch)
    if found is None or not found["dry_run"]:
        raise click.ClickException(f"{batch} is no dry run.")
    if found["finished_at"] is None or await paypal_batches.under_way(connection, batch):
        raise click.ClickException("That dry run is not through yet. Look at it, then try again.")


@paypal_migrations.command("show")
@click.argument("batch", required=False)
@click.option("--state", help="Only methods that stand there, such as `failed`.")
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True, help="Accounts.")
def shown(batch: str | None, state: str | None, limit: int) -> None:
    """Show the last batches, or how far one BATCH has come: methods by state, then account by account."""
    if batch is None:
        _batches()
        return

    async def read(
        connection: Connection,
    ) -> tuple[Row | None, list[Row], list[Row], list[Row], str | None]:
        return (
            await paypal_batches.find(connection, batch),
            await paypal_batches.counts(connection, batch),
            await paypal_batches.outcomes(connection, batch),
            await paypal_batches.moves(connection, batch, state=state, limit=limit),
            await paypal_batches.halted(connection, batch),
        )

    found, counts, outcomes, moves, halted = with_store(read)
    if found is None:
        raise click.ClickException("There is no such batch.")
    click.echo(_line(found, halted))
    show(
        "Accounts",
        ("outcome", "code", "accounts"),
        ((row["outcome"], row["code"], row["accounts"]) for row in outcomes),
        empty="No account was asked yet.",
    )
    show(
        "Methods",
        ("state", "what is wrong", "methods"),
        ((row["state"], row["broken"], row["methods"]) for row in counts),
        empty="No method was looked at yet.",
    )
    _moves(moves)


def _line(found: Row, halted: str | None) -> str:
    kind = "A dry run" if found["dry_run"] else f"A run after {found['after']}"
    asked = f"{found['asked']:,} of at most {found['cap']:,} accounts asked"
    end = " It asks nobody any more." if found["finished_at"] else ""
    stopped = f" It is stopped: {halted}" if halted else ""
    return (
        f"{kind}, begun {age(found['created_on'])} ago by {found['asked_by']} ({found['reason']}): "
        f"{asked}.{end}{stopped}"
    )


def _moves(moves: Sequence[Row]) -> None:
    if not moves:
        return
    rows = ((row["account_id"], migration(row)) for row in moves)
    show(
        f"The last {len(moves)} that moved",
        ("account", "method", "state", "what is wrong", "by", "charged", "since", "why"),
        (
            (
                account_id,
                one.method_id,
                one.state.value,
                one.broken.value if one.broken else None,
                f"...{(one.new or one.old.reference)[-4:]}",
                "yes" if one.charged else "",
                age(one.edited_on),
                one.why,
            )
            for account_id, one in rows
        ),
        empty="",
    )


def _batches() -> None:
    found = with_store(lambda connection: paypal_batches.newest(connection, LISTED))
    off = with_store(lambda connection: switches.switched_off(connection, paypal_batches.SWITCH))
    if off is not None:
        click.echo(f"All batches are stopped by {off['by']} since {age(off['since'])}: {off['reason']}")
    show(
        "Batches",
        ("batch", "kind", "asked", "cap", "state", "by", "reason", "age"),
        (
            (
                row["id"],
                "dry run" if row["dry_run"] else f"after {row['after']}",
                row["asked"],
                row["cap"],
                "stopped" if row["stopped"] else "all asked" if row["finished_at"] else "running",
                row["asked_by"],
                row["reason"],
                age(row["created_on"]),
            )
            for row in found
        ),
        empty="There was no batch yet: `fleet paypal-migrations start --reason ...` begins a dry run.",
    )


@paypal_migrations.command()
@click.argument("batch", required=False)
@click.option("--reason", required=True, help="Why; shown to whoever looks.")
def stop(batch: str | None, reason: str) -> None:
    """Stop one BATCH, or all of them: what is under way stays where it is, with both references."""
    if batch is not None:
        ask(batch, StopPayPalBatch(reason=reason))
        return
    _switch(off=True, reason=reason)
    click.echo("All batches are stopped. `fleet paypal-migrations resume` lets them go on.")


@paypal_migrations.command()
@click.argument("batch", required=False)
@click.option("--reason", required=True, help="Why it may go on.")
def resume(batch: str | None, reason: str) -> None:
    """Let one BATCH go on, or all that were stopped together, within a minute."""
    if batch is not None:
        ask(batch, ResumePayPalBatch(reason=reason))
        return
    _switch(off=False, reason=reason)
    click.echo("Batches may go on.")


def _switch(*, off: bool, reason: str) -> None:
    by = f"operator:{getpass.getuser()}"
    with_store(lambda c: switches.switch(c, paypal_batches.SWITCH, off=off, by=by, reason=reason))


@paypal_migrations.command("roll-back")
@click.argument("account_id")
@click.argument("method_id")
@click.option("--reason", required=True, help="Why; kept with the migration.")
def roll_back(account_id: str, method_id: str, reason: str) -> None:
    """Take the migration of a method back: it is charged by its old reference again.

    Not after a payment went through with the new one, nor to a nonce, which never could be charged.
    """
    ask(account_id, RollBackPayPalMigration(method_id=method_id, reason=reason))
