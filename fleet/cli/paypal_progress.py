"""`fleet paypal-migrations show`: the batches, and how far the methods of one have come."""

from collections.abc import Sequence
from functools import partial

import click
import orjson

from fleet.cli.store import age, show, with_store
from state.postgres import paypal_batches, switches
from state.postgres.connection import Connection, Row
from state.postgres.paypal_migrations import migration

LISTED = 20


@click.command("show")
@click.argument("batch", required=False)
@click.option("--state", help="Only methods that stand there, such as `failed`.")
@click.option("--account", help="Only this account.")
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True, help="Accounts.")
def shown(batch: str | None, state: str | None, account: str | None, limit: int) -> None:
    """Show the last batches, or how far one BATCH has come: methods by state, then account by account."""
    if batch is None:
        _batches()
        return

    found, halted = with_store(lambda connection: _batch(connection, batch))
    click.echo(_line(found, halted))
    _counts(batch)
    refused, moves = with_store(lambda connection: _listed(connection, batch, state, account, limit))
    _refused(refused)
    _moves(moves)


async def _batch(connection: Connection, batch: str) -> tuple[Row, str | None]:
    found = await paypal_batches.find(connection, batch)
    if found is None:
        raise click.ClickException("There is no such batch.")
    return found, await paypal_batches.halted(connection, batch)


async def _listed(
    connection: Connection, batch: str, state: str | None, account: str | None, limit: int
) -> tuple[list[Row], list[Row]]:
    return (
        await paypal_batches.refused(connection, batch, account_id=account, limit=limit),
        await paypal_batches.moves(connection, batch, state=state, account_id=account, limit=limit),
    )


def _counts(batch: str) -> None:
    outcomes = with_store(lambda connection: paypal_batches.outcomes(connection, batch))
    show(
        "Accounts",
        ("outcome", "code", "accounts"),
        ((row["outcome"], row["code"], row["accounts"]) for row in outcomes),
        empty="No account was asked yet.",
    )
    methods = with_store(lambda connection: paypal_batches.counts(connection, batch))
    show(
        "Methods",
        ("state", "what is wrong", "methods"),
        ((row["state"], row["broken"], row["methods"]) for row in methods),
        empty="No method was looked at yet.",
    )


def _refused(refused: Sequence[Row]) -> None:
    if not refused:
        return
    rows = (
        (row["account_id"], row["code"], orjson.loads(row["answer"] or "{}").get("message"))
        for row in refused
    )
    show("Refused", ("account", "code", "why"), rows, empty="")


def _line(found: Row, halted: str | None) -> str:
    kind = "A dry run" if found["dry_run"] else f"A run after {found['after']}"
    asked = f"{found['asked']:,} of at most {found['cap']:,} accounts asked"
    end = " It asks nobody any more." if found["finished_at"] else ""
    stopped = f" It is stopped: {halted}" if halted else ""
    return (
        f"{kind}, begun {age(found['created_on'])} ago by {found['asked_by']} ({found['reason']}): "
        f"{asked}.{end}{stopped}"
    )


def _moves(moves: Sequence[Row]) -> None:
    if not moves:
        return
    rows = ((row["account_id"], migration(row)) for row in moves)
    show(
        f"The last {len(moves)} that moved",
        ("account", "method", "state", "what is wrong", "by", "charged", "since", "why"),
        (
            (
                account_id,
                one.method_id,
                one.state.value,
                one.broken.value if one.broken else None,
                f"...{(one.new or one.old.reference)[-4:]}",
                "yes" if one.charged else "",
                age(one.edited_on),
                one.why or ("Braintree has to import it" if one.awaited else None),
            )
            for account_id, one in rows
        ),
        empty="",
    )


def _batches() -> None:
    found = with_store(lambda connection: paypal_batches.newest(connection, LISTED))
    for name in (paypal_batches.LETTING_GO, paypal_batches.SWITCH):
        off = with_store(partial(switches.switched_off, name=name))
        if off is not None:
            click.echo(f"All batches are stopped by {off['by']} since {age(off['since'])}: {off['reason']}")
    show(
        "Batches",
        ("batch", "kind", "asked", "cap", "state", "by", "reason", "age"),
        (
            (
                row["id"],
                "dry run" if row["dry_run"] else f"after {row['after']}",
                row["asked"],
                row["cap"],
                "stopped" if row["stopped"] else "all asked" if row["finished_at"] else "running",
                row["asked_by"],
                row["reason"],
                age(row["created_on"]),
            )
            for row in found
        ),
        empty="There was no batch yet: `fleet paypal-migrations start --reason ...` begins a dry run.",
    )
