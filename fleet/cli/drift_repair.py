"""`fleet drift repair`: what would change in both stores, and after a yes the commands that change it."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, TypedDict
from uuid import UUID

import click
import orjson
from rich.console import Console
from rich.progress import Progress

from consumers.sweeps.repair_plan import LEFT_TO, consequence, repair_of
from fleet.cli.arguments import REASON
from fleet.cli.operators import actor, operator
from fleet.cli.outcomes import why
from fleet.cli.store import age, show, value, with_store
from fleet.settings import Settings
from handlers.drift import Cause
from handlers.repair_stages import SINGLE, STAGES, Run, widest
from producers.publisher import NotPublishedError, Publisher
from producers.trace import new_id, traceparent
from state.postgres import drift, journal, repairs, switches
from state.postgres.connection import Connection, Row
from state.postgres.drift import Drift
from topics.codec import encode_body
from topics.message import Envelope
from topics.table import BULK

AT_ONCE: Final = 25
"""Commands between two looks at the switch."""
WAIT_SECONDS: Final = 60.0
ASKED_FOR: Final = (
    "Nothing is left that was not asked for in the last 15 minutes: `fleet drift report` says when, and "
    "`fleet drift repairs` what came of it."
)
COUNTED: Final = timedelta(days=30)
"""How far back runs open a stage."""


class Choice(TypedDict):
    """Which accounts a run may choose from."""

    causes: Sequence[str]
    account_id: str | None
    share: int


@dataclass(frozen=True, slots=True)
class Chosen:
    """What a run would be about. `left_out` is what no repair ends; `under_way`: something was asked for just now;
    `empty`: its share has nothing else either."""

    accounts: Mapping[str, Sequence[Drift]]
    left_out: Sequence[Row]
    under_way: bool
    empty: bool
    widest: int


@click.command()
@click.argument("account_id", required=False)
@click.option(
    "--share", type=click.Choice([str(stage) for stage in STAGES[1:]]), help="Percent of all accounts."
)
@click.option("--cause", "causes", type=click.Choice([one.value for one in Cause]), multiple=True)
@click.option(
    "--cap", type=click.IntRange(1, 10_000), default=100, show_default=True, help="Accounts at most."
)
@click.option("--reason", type=REASON, help="Why; kept with the run. Needed with --yes.")
@click.option("--yes", is_flag=True, help="Do it, instead of only showing what would change.")
def repair(
    account_id: str | None,
    share: str | None,
    causes: tuple[str, ...],
    cap: int,
    reason: str | None,
    *,
    yes: bool,
) -> None:
    """Repair one account, or a share of all that differ, oldest differences first.

    What is ours is written to the processor, what is the processor's is read again. Shared customers and accounts
    with a payment in flight are refused. A larger share is open once a run of the one before ended everything; a
    share in which nothing is left to repair counts as passed.
    """
    if (account_id is None) == (share is None):
        raise click.UsageError("Name one account, or a share of all of them.")
    wanted = SINGLE if account_id else int(share or 0)
    chosen = with_store(lambda c: _chosen(c, causes, account_id, wanted, cap))
    _preview(chosen)
    if wanted > chosen.widest:
        _not_yet(chosen.widest)
    if not (chosen.accounts or (share and chosen.empty)):
        return
    if not yes:
        click.echo("Nothing was asked for. Say --yes and a --reason to do it.")
        return
    if not reason:
        raise click.UsageError("Say with --reason why.")
    run, why = new_id(), reason
    with_store(lambda c: _begin(c, run, wanted, cap, chosen, why))
    if not chosen.accounts:
        with_store(lambda c: repairs.finish(c, run, stopped=False))
        click.echo("Nothing of this share is left to repair: it counts as passed.")
        return
    asyncio.run(_published(run, chosen))
    click.echo(
        f"`fleet drift repairs {run}` shows what stood there before, `fleet drift report` what is left."
    )


def _not_yet(open_stage: int) -> None:
    stage = f"--share {open_stage}" if open_stage else "a single account"
    raise click.ClickException(
        f"That share is not open yet: {stage} comes first, and has to end all that it was asked to end."
    )


async def _chosen(
    connection: Connection, causes: Sequence[str], account_id: str | None, share: int, cap: int
) -> Chosen:
    if (off := await switches.switched_off(connection, repairs.SWITCH)) is not None:
        raise click.ClickException(
            f"Repairs are stopped by {off['by']} since {age(off['since'])}: {off['reason']}"
        )
    choice = Choice(causes=causes, account_id=account_id, share=share or STAGES[-1])
    ids = await drift.repairable(connection, **choice, limit=cap)
    under_way = bool(await drift.repairable(connection, **choice, limit=1, asked_too=True))
    left_out = await drift.left_out(connection, **choice)
    accounts: defaultdict[str, list[Drift]] = defaultdict(list)
    for one in await drift.of_accounts(connection, ids):
        accounts[one.account_id].append(one)
    runs = await repairs.listed(connection, within=COUNTED, limit=1000)
    clean = [Run(row["share"], row["state"] == "done" and not row["left"]) for row in reversed(runs)]
    return Chosen(accounts, left_out, under_way, not (under_way or causes), widest(clean))


def _preview(chosen: Chosen) -> None:
    rows = (
        (
            account_id,
            one.difference.field,
            value(one.difference.ours),
            value(one.difference.theirs),
            consequence(one.difference),
        )
        for account_id, found in chosen.accounts.items()
        for one in found
    )
    title = f"A repair of {len(chosen.accounts)} account(s) would be"
    show(
        title,
        ("account", "field", "ours", "theirs", "it would be"),
        rows,
        empty=ASKED_FOR if chosen.under_way else "There is nothing to repair.",
    )
    for row in chosen.left_out:
        click.echo(f"Not among them: {row['accounts']} account(s), {row['cause']}: {LEFT_TO[row['cause']]}.")


async def _begin(
    connection: Connection, run: UUID, share: int, cap: int, chosen: Chosen, reason: str
) -> None:
    await repairs.begin(
        connection,
        run,
        share=share,
        cap=cap,
        accounts=len(chosen.accounts),
        by=operator(),
        reason=reason,
    )


async def _published(run: UUID, chosen: Chosen) -> None:
    """Publish some, wait for their outcomes, look at the switch, go on. However it ends, the run is finished."""
    finished = False
    try:
        async with Publisher(Settings().kafka_bootstrap, client_id="fleet-cli") as publisher:
            finished, refusals = await _one_after_the_other(publisher, run, chosen)
    except NotPublishedError as error:
        raise click.ClickException(f"{error} (KAFKA_BOOTSTRAP). Run {run} was stopped here.") from None
    finally:
        await asyncio.to_thread(with_store, lambda c: repairs.finish(c, run, stopped=not finished))
    click.echo(f"Run {run} {'is through' if finished else 'was stopped'}; {refusals} refused.")


async def _one_after_the_other(publisher: Publisher, run: UUID, chosen: Chosen) -> tuple[bool, int]:
    """Whether all were asked for, or the switch was turned; and how many were refused."""
    ids, refusals = list(chosen.accounts), 0
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("repairing", total=len(ids))
        for first in range(0, len(ids), AT_ONCE):
            some = ids[first : first + AT_ONCE]
            if await asyncio.to_thread(with_store, lambda c: switches.switched_off(c, repairs.SWITCH)):
                return False, refusals
            refusals += await _some(publisher, run, {one: chosen.accounts[one] for one in some})
            progress.advance(task, len(some))
    return True, refusals


async def _some(publisher: Publisher, run: UUID, accounts: Mapping[str, Sequence[Drift]]) -> int:
    """What stands there is on record before anything changes it. Raises `NotPublishedError`."""
    await asyncio.to_thread(with_store, lambda c: drift.asked(c, run, list(accounts)))
    asked: dict[UUID, str] = {}
    unasked = list(accounts)
    try:
        for account_id, found in accounts.items():
            asked[await _ask(publisher, run, account_id, found)] = account_id
            unasked.remove(account_id)
    except NotPublishedError as error:
        if error.maybe:
            del unasked[0]
        await asyncio.to_thread(with_store, lambda c: drift.ask_again(c, run, unasked))
        raise
    return await asyncio.to_thread(with_store, lambda c: _outcomes(c, run, asked))


async def _ask(publisher: Publisher, run: UUID, account_id: str, found: Sequence[Drift]) -> UUID:
    """Publish the repair of one account; gives the command's id."""
    command, command_id = repair_of(one.difference for one in found), new_id()
    envelope = Envelope(
        command_id,
        command.type,
        account_id,
        actor(),
        causation_id=str(run),
        traceparent=traceparent(None),
    )
    await publisher.publish(BULK.name, envelope, encode_body(command))
    return command_id


async def _outcomes(connection: Connection, run: UUID, asked: Mapping[UUID, str]) -> int:
    """Count what came of them and say why some were refused; what has no outcome in time is on its way."""
    found: Mapping[UUID, journal.Outcome] = {}
    try:
        async with asyncio.timeout(WAIT_SECONDS):
            while len(found := await journal.known(connection, list(asked))) < len(asked):
                await asyncio.sleep(0.1)
    except TimeoutError:
        click.echo(f"{len(asked) - len(found)} commands have no outcome yet.")
    refused = [one for one in found.values() if one.outcome == "refused"]
    for one in refused:
        answer = orjson.loads(one.answer) if one.answer else {}
        click.echo(f"{one.account_id} was refused ({one.code}): {why(answer)}")
    await drift.ask_again(connection, run, [one.account_id for one in refused])
    await repairs.count(connection, run, applied=len(found) - len(refused), refused=len(refused))
    return len(refused)
