"""`fleet cursors`: how far each lane has applied its partitions, and moving one on purpose."""

import click

from consumers.lane import LANES
from fleet.cli.store import age, show, with_store
from state.postgres import cursors as rows


@click.group()
def cursors() -> None:
    """Where each lane stands; PostgreSQL's word, not Kafka's."""


@cursors.command("list")
def listed() -> None:
    """Show every cursor."""
    found = with_store(rows.listed)
    show(
        "Cursors",
        ("group", "topic", "partition", "next offset", "moved"),
        (
            (
                row["consumer_group"],
                row["topic"],
                row["partition"],
                row["next_offset"],
                f"{age(row['moved_at'])} ago",
            )
            for row in found
        ),
        empty="No lane has started yet.",
    )


@cursors.command("set")
@click.argument("lane", type=click.Choice(sorted(LANES)))
@click.argument("partition", type=int)
@click.argument("offset", type=int)
@click.confirmation_option(prompt="Records before the new offset are never applied by this lane. Go on?")
def set_(lane: str, partition: int, offset: int) -> None:
    """Move a lane's cursor. Restart the lane's workers afterwards."""
    found = LANES[lane]
    with_store(lambda connection: rows.put(connection, found.group, found.topic.name, partition, offset))
    click.echo(f"{found.topic.name}/{partition} goes on at {offset}. Restart the workers of {lane} now.")
