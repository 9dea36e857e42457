"""What an operator does about methods on their way: hand them to Braintree, have them looked at, take them back."""

import asyncio
import csv
import sys
from collections.abc import Sequence

import click

from fleet.cli.arguments import REASON
from fleet.cli.commands import ask
from fleet.cli.operators import actor
from fleet.cli.store import with_store
from fleet.settings import Settings
from handlers.paypal_migration import Migration
from producers.publisher import NotPublishedError, Publisher
from producers.trace import new_id, traceparent
from state.postgres import paypal_batches
from state.postgres.connection import Connection
from state.postgres.paypal_migrations import migration
from topics.codec import encode_body
from topics.message import Command, Envelope
from topics.paypal_migrations import ReviewPayPalMigrations, RollBackPayPalMigration
from topics.table import BULK

COLUMNS = ("customer_id", "payment_method_token", "billing_agreement_id", "email")


@click.command()
@click.argument("batch")
def export(batch: str) -> None:
    """Print as CSV what Braintree is to import for a BATCH: agreements, and the ids they shall have.

    Hand it to Braintree's migration team. It holds payers' e-mail addresses: keep it nowhere else.
    """
    found = with_store(lambda connection: paypal_batches.awaited(connection, batch))
    if not found:
        raise click.ClickException("Nothing of that batch waits for an import.")
    rows = [(row["account_id"], migration(row)) for row in found]
    written = csv.writer(sys.stdout, lineterminator="\n")
    written.writerow(COLUMNS)
    written.writerows(
        (account_id, one.new, one.source.agreement_id, one.source.payer_email)
        for account_id, one in rows
        if one.source is not None
    )


@click.command()
@click.argument("batch")
def look(batch: str) -> None:
    """Look now what Braintree has imported of a BATCH, and which methods were paid with.

    It is done once a day by itself.
    """
    accounts = with_store(lambda connection: paypal_batches.waiting_accounts(connection, batch))
    _publish([(account_id, ReviewPayPalMigrations()) for account_id in accounts])
    click.echo(f"{len(accounts)} accounts are looked at. `fleet paypal-migrations show {batch}` says more.")


@click.command("roll-back")
@click.argument("account_id", required=False)
@click.argument("method_id", required=False)
@click.option(
    "--batch", help="The batch to take back: of the method, or of all its methods that can go back."
)
@click.option("--reason", type=REASON, required=True, help="Why; kept with the migration.")
def roll_back(account_id: str | None, method_id: str | None, batch: str | None, reason: str) -> None:
    """Take migrations back: a method is charged by its old reference again, and the new one is let go.

    Not after a payment went through with the new one, nor to a nonce, which never could be charged. Without a batch
    it is the last migration of the method that changed something.
    """
    if account_id is not None and method_id is not None:
        ask(account_id, RollBackPayPalMigration(method_id=method_id, reason=reason, batch=batch))
        return
    if batch is None or account_id is not None:
        raise click.UsageError("Name an account and its method, or a --batch.")
    _roll_back_all(batch, reason)


def _roll_back_all(batch: str, reason: str) -> None:

    async def read(connection: Connection) -> list[tuple[str, Migration]]:
        rows = await paypal_batches.reversible(connection, batch)
        return [(row["account_id"], migration(row)) for row in rows]

    found = with_store(read)
    _publish(
        [
            (account, RollBackPayPalMigration(method_id=one.method_id, reason=reason, batch=batch))
            for account, one in found
        ]
    )
    click.echo(f"{len(found)} methods go back. `fleet paypal-migrations show {batch}` says how far they are.")


def _publish(commands: Sequence[tuple[str, Command]]) -> None:
    """On the lane of bulk work, in the name of the person at the keyboard."""
    operator = actor()

    async def publish() -> None:
        async with Publisher(Settings().kafka_bootstrap, client_id="fleet-cli") as publisher:
            for account_id, command in commands:
                envelope = Envelope(
                    new_id(), command.type, account_id, operator, traceparent=traceparent(None)
                )
                await publisher.publish(BULK.name, envelope, encode_body(command))

    try:
        asyncio.run(publish())
    except NotPublishedError as error:
        raise click.ClickException(f"{error} (KAFKA_BOOTSTRAP). Try again: what was asked holds.") from None
