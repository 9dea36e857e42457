"""`fleet cursors`: how far each lane has applied its partitions, and moving one on purpose."""

from dataclasses import dataclass

import click
from aiokafka import AIOKafkaConsumer

from consumers.lane import LANES, Lane
from fleet.cli.log import bounds, members, with_kafka
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
@click.option("--force", is_flag=True, help="Though the lane's group has members.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def set_(lane: str, partition: int, offset: int, *, force: bool, yes: bool) -> None:
    """Move a lane's cursor, while no worker of the lane runs.

    The partition and the offset must be ones that the log has. A halted worker is a member of the group
    too: stop the lane's workers, move the cursor, start them.
    """
    found = LANES[lane]
    if not 0 <= partition < found.topic.partitions:
        raise click.BadParameter(
            f"{found.topic.name} has the partitions 0 to {found.topic.partitions - 1}, not {partition}."
        )
    log = with_kafka(lambda consumer: _log(consumer, found, partition))
    if not log.first <= offset <= log.following:
        raise click.BadParameter(
            f"The log of {found.topic.name}/{partition} holds {log.first} to {log.following}: a cursor at "
            f"{offset} would halt the lane."
        )
    if log.members and not force:
        raise click.ClickException(_at_work(found, log.members))
    click.echo(_meaning(found, partition, offset))
    if not yes:
        click.confirm("Go on?", abort=True)
    with_store(lambda connection: rows.put(connection, found.group, found.topic.name, partition, offset))
    click.echo(f"{found.topic.name}/{partition} goes on at {offset}. Start the workers of {lane} again.")


@dataclass(frozen=True, slots=True)
class _Log:
    """What Kafka says: the offsets from the first one kept to the next one to be written, and the group."""

    first: int
    following: int
    members: int


async def _log(consumer: AIOKafkaConsumer, lane: Lane, partition: int) -> _Log:
    first, following = await bounds(consumer, lane.topic.name, partition)
    return _Log(first, following, await members(lane.group))


def _at_work(lane: Lane, count: int) -> str:
    found = "1 member" if count == 1 else f"{count} members"
    return (
        f"The group {lane.group} has {found}. Stop the workers of {lane.name} first, halted ones too; one that "
        f"was killed counts until its session ends. With --force the cursor is moved all the same: a worker "
        f"that runs on is refused its next batch of the partition and reads on from the new cursor."
    )


def _meaning(lane: Lane, partition: int, offset: int) -> str:
    """What the move comes to, from where the cursor stands now."""
    topic = lane.topic.name
    kept = with_store(lambda connection: rows.read(connection, lane.group, topic, [partition]))
    before = kept.get(partition)
    if before is None:
        return f"{topic}/{partition} has no cursor yet. {lane.name} never applies records before {offset}."
    if before < offset:
        return (
            f"{topic}/{partition} stands at {before}: {lane.name} never applies {before} to {offset - 1}, "
            f"{offset - before} in all."
        )
    return (
        f"{topic}/{partition} stands at {before}: what follows {offset} is read again, and the journal drops "
        f"what it knows."
    )
