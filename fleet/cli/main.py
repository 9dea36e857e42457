"""`fleet`: run its members and entry points, and look after what they do."""

import asyncio
import sys
from functools import partial

import click
from aiokafka.errors import KafkaError

from fleet.cli.accounts import account
from fleet.cli.cursors import cursors
from fleet.cli.dead_letters import dead_letters
from fleet.cli.drift import drift
from fleet.cli.effects import effects
from fleet.cli.outcomes import operation
from fleet.cli.parked import parked
from fleet.cli.paypal import paypal_migrations
from fleet.cli.store import with_store
from fleet.cli.summaries import keep_whole
from fleet.cli.tokens import token
from fleet.kafka_topics import TopicMismatchError, ensure_topics
from fleet.logs import configure
from fleet.members import BUILDERS
from fleet.process import Host
from fleet.serve import SURFACES, serve_surface
from fleet.settings import Settings
from state.postgres.migrate import apply_migrations


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
def main() -> None:
    """The account side of a billing platform: workers, entry points and their care.

    Where the stores are comes from the environment: DATABASE_URL, REDIS_URL, KAFKA_BOOTSTRAP and the
    rest of docs/settings.md. On a local stack: `source .local/run.env` first.
    """


@main.command()
@click.argument("members", nargs=-1, required=True, type=click.Choice(sorted(BUILDERS)))
def run(members: tuple[str, ...]) -> None:
    """Run MEMBERS of the fleet in one process, with /livez, /readyz and /metrics on WORKER_PORT."""
    settings = Settings()
    configure(settings.log_level)
    host = Host(list(dict.fromkeys(members)))
    try:
        host.run(settings)
    except TopicMismatchError as wrong:
        raise click.ClickException(str(wrong)) from None
    sys.exit(1 if host.failed else 0)


@main.command()
@click.argument("surface", type=click.Choice(sorted(SURFACES)))
def serve(surface: str) -> None:
    """Serve an entry point: the customers' dashboard, the services' iapi, or the processors' webhooks."""
    settings = Settings()
    configure(settings.log_level)
    serve_surface(surface, settings)


@main.command()
def local() -> None:
    """Run the whole fleet on a local stack of this machine, until Ctrl-C (`make run`)."""
    from fleet.local.run import run_local  # the sandbox is no part of a deployment

    sys.exit(run_local())


@main.command()
@click.option(
    "--contract", is_flag=True, help="Take away what only older workers use: when none runs any more."
)
def migrate(contract: bool) -> None:
    """Bring the schema up to date. Safe beside running workers of any release, and to repeat.

    With --contract also what takes something away. Without, that waits and does no harm.
    """
    waiting = with_store(partial(apply_migrations, contract=contract), patient=True)
    click.echo("The schema is up to date.")
    if waiting:
        click.echo(f"When no older worker runs, `fleet migrate --contract`: {', '.join(waiting)}.")


@main.command()
def topics() -> None:
    """Create missing topics and check those that are there."""
    settings = Settings()
    try:
        asyncio.run(ensure_topics(settings.kafka_bootstrap, replication=settings.topic_replication))
    except (TopicMismatchError, KafkaError) as wrong:
        raise click.ClickException(str(wrong)) from None
    click.echo("The topics are as they should be.")


for command in (token, account, operation, parked, dead_letters, effects, drift, paypal_migrations, cursors):
    main.add_command(command)
keep_whole(main)
