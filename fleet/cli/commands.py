"""An operator's command goes through Kafka like everybody's, so it takes its turn among the account's."""

import asyncio

import click

from fleet.cli.operators import actor
from fleet.cli.outcomes import awaited, tell
from fleet.settings import Settings
from producers.publisher import NotPublishedError, Publisher
from producers.trace import new_id, traceparent
from topics.codec import encode_body
from topics.ids import ACCOUNT_ID
from topics.message import Command, Envelope
from topics.table import COMMANDS


def ask(account_id: str, command: Command) -> None:
    """Publish in the name of the person at the keyboard, with the role of support, and tell what came of it."""
    if not ACCOUNT_ID.fullmatch(account_id):
        raise click.BadParameter("An account id has 32 lower-case hexadecimal characters.")
    command_id = new_id()
    envelope = Envelope(command_id, command.type, account_id, actor(), traceparent=traceparent(None))
    try:
        asyncio.run(_publish(envelope, command))
    except NotPublishedError as error:
        later = f" It may be taken all the same: `fleet operation {command_id}`." if error.maybe else ""
        raise click.ClickException(f"{error} (KAFKA_BOOTSTRAP).{later}") from None
    click.echo(f"Asked for as {command_id}.")
    tell(awaited(command_id))


async def _publish(envelope: Envelope, command: Command) -> None:
    async with Publisher(Settings().kafka_bootstrap, client_id="fleet-cli") as publisher:
        await publisher.publish(COMMANDS.name, envelope, encode_body(command))
