"""`fleet paypal-migrations`: move PayPal methods in Braintree's vault, a batch at a time, and see how far it is."""

import click

from fleet.cli.arguments import REASON
from fleet.cli.commands import ask
from fleet.cli.operators import operator
from fleet.cli.paypal_methods import export, look, roll_back
from fleet.cli.paypal_progress import shown
from fleet.cli.store import with_store
from producers.trace import new_id
from state.postgres import paypal_batches, switches
from state.postgres.connection import Connection
from topics.ids import ACCOUNT_ID
from topics.paypal_batches import MOST, ResumePayPalBatch, StartPayPalBatch, StopPayPalBatch


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
@click.option("--reason", type=REASON, required=True, help="Why; kept with the batch.")
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


@paypal_migrations.command()
@click.argument("batch", required=False)
@click.option("--reason", type=REASON, required=True, help="Why; shown to whoever looks.")
def stop(batch: str | None, reason: str) -> None:
    """Stop one BATCH, or all of them: what is under way stays where it is, with both references."""
    if batch is not None:
        ask(batch, StopPayPalBatch(reason=reason))
        return
    _switch(paypal_batches.SWITCH, off=True, reason=reason)
    click.echo("All batches are stopped. `fleet paypal-migrations resume` lets them go on.")


@paypal_migrations.command()
@click.argument("batch", required=False)
@click.option("--reason", type=REASON, required=True, help="Why it may go on.")
def resume(batch: str | None, reason: str) -> None:
    """Let one BATCH go on, or all that were stopped together, within a minute."""
    if batch is not None:
        ask(batch, ResumePayPalBatch(reason=reason))
        return
    for name in (paypal_batches.SWITCH, paypal_batches.LETTING_GO):
        _switch(name, off=False, reason=reason)
    click.echo("Batches may go on.")


def _switch(name: str, *, off: bool, reason: str) -> None:
    by = operator()
    with_store(lambda c: switches.switch(c, name, off=off, by=by, reason=reason))


for command in (shown, export, look, roll_back):
    paypal_migrations.add_command(command)
