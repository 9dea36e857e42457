"""An operator's command goes through Kafka like everybody's, so it takes its turn among the account's."""

import asyncio
import getpass

import click

from fleet.settings import Settings
from producers.publisher import NotPublishedError, Publisher
from producers.trace import new_id, traceparent
from topics.codec import encode_body
from topics.ids import ACCOUNT_ID
from topics.message import Actor, Command, Envelope, Role
from topics.table import COMMANDS


def publish(account_id: str, command: Command) -> None:
    """Publish in the name of the person at the keyboard, with the role of support."""
    if not ACCOUNT_ID.fullmatch(account_id):
        raise click.BadParameter("An account id has 32 lower-case hexadecimal characters.")
    operator = Actor(f"operator:{getpass.getuser()}", Role.SUPPORT, "fleet-cli")
    envelope = Envelope(new_id(), command.type, account_id, operator, traceparent=traceparent(None))
    try:
        asyncio.run(_publish(envelope, command))
    except NotPublishedError as error:
        raise click.ClickException(f"{error} (KAFKA_BOOTSTRAP)") from None
    click.echo(f"Asked for as {envelope.id}.")


async def _publish(envelope: Envelope, command: Command) -> None:
    async with Publisher(Settings().kafka_bootstrap, client_id="fleet-cli") as publisher:
        await publisher.publish(COMMANDS.name, envelope, encode_body(command))
