"""`fleet drift`: where our store and the processors disagree, why, and what is done about it."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import click

from consumers.sweeps.repair_plan import consequence
from consumers.sweeps.walk import FIRST, PHASES
from fleet.cli.arguments import REASON, ROWS
from fleet.cli.drift_customers import customers, merge
from fleet.cli.drift_repair import repair
from fleet.cli.operators import operator
from fleet.cli.store import age, show, value, with_store
from handlers.drift import Cause
from state.postgres import drift as rows
from state.postgres import repairs as runs
from state.postgres import sweeps, switches
from state.postgres.connection import Connection, Row
from state.postgres.drift import Drift
from state.postgres.sweeps import Sweep

CAUSES = click.Choice([cause.value for cause in Cause])
REMEMBERED = timedelta(days=90)


@click.group()
def drift() -> None:
    """Differences between our store and Stripe and Braintree: the report, sweeps, repairs."""


@drift.command()
@click.option("--cause", "causes", type=CAUSES, multiple=True, help="Only these; repeat for several.")
@click.option("--field", help="Only fields that begin so, such as `payment_methods`.")
@click.option("--limit", type=ROWS, default=50, show_default=True)
@click.option("--values/--no-values", default=True, help="Leave out the values, which may be personal data.")
def report(causes: tuple[str, ...], field: str | None, limit: int, *, values: bool) -> None:
    """Show what differs: field, both values, since when and the probable cause, oldest first."""

    async def read(connection: Connection) -> tuple[list[Row], list[Drift], int, list[Sweep]]:
        found = await rows.report(connection, causes=causes, field=field, limit=limit)
        return (
            await rows.summary(connection),
            found,
            await rows.drifting(connection),
            await sweeps.newest(connection, 1),
        )

    summary, found, accounts, newest = with_store(read)
    click.echo(_swept(newest))
    if summary:
        show(
            "By cause",
            ("processor", "part", "cause", "fields", "accounts", "oldest"),
            map(_sum, summary),
            empty="",
        )
    show(
        f"Differences of {accounts} account{'s' if accounts != 1 else ''}",
        ("account", "field", "ours", "theirs", "since", "cause", "repair would be"),
        (_row(one, values=values) for one in found),
        empty="Nothing differs.",
    )


def _swept(newest: Sequence[Sweep]) -> str:
    if not newest:
        return "No full sweep was done yet: `fleet drift sweep` asks for one."
    (sweep,) = newest
    if sweep.state != "running":
        return f"Sweep {sweep.id} is {sweep.state}: began {age(sweep.started_at)} ago, {_counts(sweep)}."
    step = f"{PHASES.index(sweep.phase) + 1} of {len(PHASES)} ({sweep.phase.replace('_', ' ')})"
    trouble = f" It waits: {sweep.last_error}" if sweep.last_error else ""
    return (
        f"Sweep {sweep.id} is in phase {step}: began {age(sweep.started_at)} ago, {_counts(sweep)}.{trouble}"
    )


def _counts(sweep: Sweep) -> str:
    return f"{sweep.accounts:,} accounts, {sweep.calls:,} requests, {sweep.suspects:,} looked at closely"


def _sum(row: Row) -> tuple[object, ...]:
    return (row["processor"], row["part"], row["cause"], row["fields"], row["accounts"], age(row["oldest"]))


def _row(one: Drift, *, values: bool) -> tuple[object, ...]:
    difference = one.difference
    hidden = ("...", "...")
    ours, theirs = (value(difference.ours), value(difference.theirs)) if values else hidden
    asked = f" (asked for {age(one.repair_asked_at)} ago)" if one.repair_asked_at else ""
    read = f" (read by itself {age(one.read_asked_at)} ago)" if one.read_asked_at else ""
    what = consequence(difference) + read + asked
    return one.account_id, difference.field, ours, theirs, age(one.since), difference.cause, what


@drift.command("show")
@click.argument("account_id")
def history(account_id: str) -> None:
    """Show an account's differences with their history, those that are over too."""
    found = with_store(lambda connection: rows.history(connection, account_id))
    columns = ("field", "ours", "theirs", "cause", "since", "seen", "repair", "over")
    show(
        f"Differences of {account_id}",
        columns,
        (
            (
                row["field"],
                value(row["ours"]),
                value(row["theirs"]),
                row["cause"],
                row["since"].strftime("%Y-%m-%d %H:%M:%S"),
                age(row["seen_at"]),
                row["repair"],
                age(row["closed_at"]) if row["closed_at"] else "",
            )
            for row in found
        ),
        empty="Nothing of it ever differed, as far as is remembered.",
    )


@drift.command()
@click.option("--stop", is_flag=True, help="End the sweep under way instead.")
def sweep(*, stop: bool) -> None:
    """Have everything at the processors compared with everything of ours, from the beginning."""
    if stop:
        number = with_store(sweeps.stop)
        click.echo(f"Sweep {number} was ended." if number else "No sweep is under way.")
        return
    number = with_store(lambda connection: sweeps.ask(connection, FIRST))
    click.echo(f"Sweep {number} will begin in a few seconds." if number else "A sweep is under way already.")
    click.echo("`fleet drift report` says how far it has come.")


@drift.command()
@click.argument("run", type=click.UUID, required=False)
def repairs(run: UUID | None) -> None:
    """Show the runs of repairs; of one RUN what stood on both sides before, all that undoing it needs."""
    if run is not None:
        _undo_data(run)
        return
    found = with_store(lambda connection: runs.listed(connection, within=REMEMBERED, limit=50))
    show(
        "Repairs",
        ("run", "share", "accounts", "applied", "refused", "still open", "state", "by", "reason", "age"),
        (
            (
                row["id"],
                f"{row['share']} %" if row["share"] else "named",
                row["accounts"],
                row["applied"],
                row["refused"],
                row["left"],
                row["state"],
                row["asked_by"],
                row["reason"],
                age(row["started_at"]),
            )
            for row in found
        ),
        empty="Nothing was repaired in the last 90 days.",
    )


def _undo_data(run: UUID) -> None:
    found = with_store(lambda connection: rows.of_repair(connection, run))
    show(
        f"Before repair {run}",
        ("account", "processor", "field", "ours", "theirs", "cause", "over"),
        (
            (
                row["account_id"],
                row["processor"],
                row["field"],
                value(row["ours"]),
                value(row["theirs"]),
                row["cause"],
                age(row["closed_at"]) if row["closed_at"] else "",
            )
            for row in found
        ),
        empty="There is no such repair, or it is forgotten.",
    )


@drift.command()
@click.option("--reason", type=REASON, required=True, help="Why; shown to whoever tries to repair.")
def stop(reason: str) -> None:
    """Stop repairs: runs under way end after what they have published, no run begins, nothing is read by itself."""
    with_store(lambda c: switches.switch(c, runs.SWITCH, off=True, by=operator(), reason=reason))
    click.echo("Repairs are stopped. `fleet drift resume` lets them go on.")


@drift.command()
@click.option("--reason", type=REASON, required=True, help="Why they may go on.")
def resume(reason: str) -> None:
    """Let repairs go on that were stopped."""
    with_store(lambda c: switches.switch(c, runs.SWITCH, off=False, by=operator(), reason=reason))
    click.echo("Repairs may run.")


for command in (repair, customers, merge):
    drift.add_command(command)
