"""`fleet dead-letters`: what could not be applied, why and who has to act, and publishing one of them again."""

import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from heapq import nlargest
from typing import Final

import click
from aiokafka import AIOKafkaConsumer

from consumers.lane import LANES, Lane
from fleet.cli.arguments import ROWS
from fleet.cli.letters import Letter, original
from fleet.cli.log import bounds, publish, records, with_kafka
from fleet.cli.store import age, printable, show
from producers.trace import new_id
from topics.codec import Reason, Rejected, decode
from topics.message import Record
from topics.owners import Owner
from topics.table import DEAD_LETTERS

REASONS: Final = click.Choice([reason.value for reason in Reason])
OWNERS: Final = click.Choice([owner.value for owner in Owner])
COLUMNS: Final = ("letter", "reason", "owner", "age", "from", "type", "account", "command", "detail")


@click.group("dead-letters")
def dead_letters() -> None:
    """Records that could not be applied: why, where from, and another try."""


@dead_letters.command("list")
@click.option("--limit", type=ROWS, default=50, show_default=True)
@click.option("--reason", "reasons", type=REASONS, multiple=True, help="Only these; repeat for several.")
@click.option("--owner", "owners", type=OWNERS, multiple=True, help="Only theirs; repeat for several.")
@click.option("--body", is_flag=True, help="With their bodies, which hold personal data.")
def listed(limit: int, reasons: tuple[str, ...], owners: tuple[str, ...], *, body: bool) -> None:
    """Show the newest dead letters, newest first. `letter` is what `replay` asks for."""
    found = with_kafka(lambda consumer: _newest(consumer, limit, reasons, owners))
    show("Dead letters", COLUMNS, (_row(letter) for letter in found), empty="There are no such dead letters.")
    for letter in found if body else ():
        click.echo(f"\n{letter.place}:\n{_text(letter.record.value)}")


async def _newest(
    consumer: AIOKafkaConsumer, limit: int, reasons: Sequence[str], owners: Sequence[str]
) -> list[Letter]:
    """Without a filter only the end of each partition is read, with one all of it."""
    newest: list[Letter] = []
    for partition in range(DEAD_LETTERS.partitions):
        first, following = await bounds(consumer, DEAD_LETTERS.name, partition)
        first = first if reasons or owners else max(first, following - limit)
        async for record in records(consumer, DEAD_LETTERS.name, partition, first, following):
            letter = Letter(record)
            if (not reasons or letter.reason in reasons) and (not owners or letter.owner in owners):
                newest.append(letter)
        newest = nlargest(limit, newest, key=lambda letter: letter.record.timestamp_ms)
    return newest


def _row(letter: Letter) -> tuple[str, ...]:
    written = datetime.fromtimestamp(letter.record.timestamp_ms / 1000, UTC)
    return (
        f"{letter.record.partition} {letter.record.offset}",
        letter.reason,
        letter.owner,
        age(written),
        letter.source,
        letter.header("ce_type")[:100],
        (letter.record.key or b"").decode(errors="backslashreplace"),
        letter.header("ce_id")[:100],
        letter.detail,
    )


def _text(body: bytes | None) -> str:
    return "(none)" if body is None else printable(body.decode(errors="backslashreplace"))


@dead_letters.command()
@click.argument("partition", type=click.IntRange(0, DEAD_LETTERS.partitions - 1))
@click.argument("offset", type=click.IntRange(min=0))
@click.option("--new-id", is_flag=True, help="Under a fresh id: the command is then another one.")
@click.option("--body", is_flag=True, help="Show the body too, which holds personal data.")
@click.option("--force", is_flag=True, help="Though it would become a dead letter again.")
@click.option("--yes", is_flag=True, help="Publish it, instead of only showing what would go.")
def replay(partition: int, offset: int, *, new_id: bool, body: bool, force: bool, yes: bool) -> None:
    """Publish a record again to its topic, with its key, headers and body as received.

    PARTITION and OFFSET are those of the letter, as `list` shows them. It keeps its id, so repeating a replay
    changes nothing. It comes behind everything that its account was asked for since.
    """
    letter = with_kafka(lambda consumer: _letter(consumer, partition, offset))
    lane = _lane(letter)
    record = original(letter, now_ms=time.time_ns() // 1_000_000)
    record = _renamed(record) if new_id else record
    _preview(letter, record, body=body)
    if hindrance := _hindrance(letter, record, lane, new_id=new_id):
        click.echo(hindrance)
        if not force:
            sys.exit(1)
    if not yes:
        click.echo("Nothing was published. Say --yes to do it.")
        return
    publish(record)
    click.echo(f"Published to {record.topic}. What comes of it: `fleet operation {_id(record)}`.")


async def _letter(consumer: AIOKafkaConsumer, partition: int, offset: int) -> Letter:
    first, following = await bounds(consumer, DEAD_LETTERS.name, partition)
    if not first <= offset < following:
        held = f"holds {first} to {following - 1}" if first < following else "is empty"
        raise click.BadParameter(f"There is no such letter: {DEAD_LETTERS.name}/{partition} {held}.")
    async for record in records(consumer, DEAD_LETTERS.name, partition, offset, offset + 1):
        return Letter(record)
    raise click.ClickException("That letter can't be read any more.")


def _lane(letter: Letter) -> Lane:
    for lane in LANES.values():
        if lane.topic.name == letter.header("dl_topic"):
            return lane
    raise click.ClickException(
        f"It came from {letter.source}, which is no lane: to publish there again would tell everybody else too."
    )


def _renamed(record: Record) -> Record:
    fresh = ("ce_id", str(new_id()).encode())
    return replace(record, headers=(fresh, *(header for header in record.headers if header[0] != "ce_id")))


def _id(record: Record) -> str:
    return (dict(record.headers).get("ce_id") or b"").decode(errors="backslashreplace")


def _preview(letter: Letter, record: Record, *, body: bool) -> None:
    click.echo(f"Letter {letter.place}: {letter.reason}, {printable(letter.detail)}")
    click.echo(f"is for {printable(letter.owner) or 'nobody known'} to act on;")
    click.echo(f"came from {letter.source} and would go to {record.topic}:")
    click.echo(f"  key: {_text(record.key)}")
    if record.key != letter.record.key:
        click.echo("  (what it had as its key was no account id; this is its ce_subject)")
    for name, value in record.headers:
        click.echo(f"  {printable(name)}: {_text(value)}")
    size = f"{len(record.value or b'')} bytes"
    click.echo(f"  body: {_text(record.value) if body else size}")


def _hindrance(letter: Letter, record: Record, lane: Lane, *, new_id: bool) -> str | None:
    """Why it would come to nothing, by what this release of the fleet would read."""
    if letter.reason == Reason.DISCARDED and not new_id:
        return "It was discarded, which is its outcome: under its id it is a duplicate. Say --new-id."
    if letter.reason == Reason.BAD_HEADER:
        return "Its headers were too long or no text, and are not kept as they were received."
    (read,) = decode([record], lane.kinds)
    if isinstance(read, Rejected):
        return f"It would become a dead letter again: {read.reason}, {printable(read.detail)}."
    return None
