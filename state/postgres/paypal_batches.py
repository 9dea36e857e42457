"""Batches of PayPal migrations: what was asked for, how far it has come, and what came of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from handlers.paypal_batches import PAYPAL_BATCH, PayPalBatch
from handlers.paypal_migration import REVOKED
from state.postgres.connection import Connection, Row
from state.postgres.queries import queries
from state.postgres.store import Store, expect_all

SQL: Final = queries("paypal_batches")
SWITCH: Final = "paypal.migration"
"""The switch with which an operator stops all batches (state/postgres/switches.py)."""
LETTING_GO: Final = "paypal.letting-go"
"""The one that stops them by itself, and ways back with them, when letting a token go ended an agreement."""


@dataclass(frozen=True, slots=True)
class Run:
    """A batch in hand: `place` is the account that was asked last, `asked` how many were."""

    batch: str
    place: str
    asked: int
    dry_run: bool
    after: str | None
    accounts: Sequence[str]
    cap: int
    created_on: datetime


async def load(connection: Connection, ids: Sequence[str]) -> dict[str, PayPalBatch]:
    """The batches with these ids, where there are any."""
    return {row["id"]: _batch(row) for row in await connection.fetch(SQL.load, ids)}


async def save(connection: Connection, changed: Mapping[str, PayPalBatch]) -> None:
    """Write these. Raises `LostUpdateError` when a newer version is there already."""
    rows = [_row(batch_id, batch) for batch_id, batch in changed.items()]
    expect_all("paypal_batches", len(rows), await connection.execute(SQL.save, rows))


async def take(connection: Connection, worker: str, *, lease: timedelta, within: timedelta) -> Run | None:
    """The oldest batch with accounts that were not asked yet, begun `within` that time; None when all is done."""
    row = await connection.fetchrow(SQL.take, worker, lease, within)
    return Run(**dict(row)) if row else None


async def following(connection: Connection, run: Run, limit: int) -> list[str]:
    """The accounts to ask next, in id order behind the place."""
    if run.after is not None:
        rows = await connection.fetch(
            SQL.next_found, run.after, run.place, list(run.accounts), limit, REVOKED
        )
    elif run.accounts:
        rows = await connection.fetch(SQL.next_named, list(run.accounts), run.place, limit)
    else:
        rows = await connection.fetch(SQL.next_vaulted, run.place, limit)
    return [row["account_id"] for row in rows]


async def under_way(connection: Connection, batch: str) -> int:
    """How many accounts of a batch have no outcome yet, and methods a step of ours before them."""
    found: int = await connection.fetchval(SQL.under_way, batch)
    return found


async def waiting(connection: Connection, batch: str) -> int:
    """How many methods of a batch wait for Braintree's import or for their first payment."""
    found: int = await connection.fetchval(SQL.waiting, batch)
    return found


async def awaited(connection: Connection, batch: str) -> list[Row]:
    """What Braintree is to import for a batch: the migrations as rows with `account_id`."""
    return await connection.fetch(SQL.awaited, batch)


async def plan(
    connection: Connection,
    run: Run,
    worker: str,
    asked: Mapping[str, UUID],
    *,
    lease: timedelta,
    finished: bool,
) -> bool:
    """Put on record that these accounts are asked next, by which commands; False if the lease is somebody else's."""
    place = max(asked, default=run.place)
    planned: bool = await connection.fetchval(
        SQL.plan, run.batch, worker, place, list(asked), list(asked.values()), lease, finished
    )
    return planned


async def unpublished(connection: Connection, batch: str) -> dict[str, UUID]:
    """The commands that are on record and may not have been published, by account."""
    rows = await connection.fetch(SQL.unpublished, batch)
    return {row["account_id"]: row["command_id"] for row in rows}


async def published(connection: Connection, batch: str, account_ids: Sequence[str]) -> None:
    """The commands of these accounts are in Kafka."""
    await connection.execute(SQL.published, batch, account_ids)


async def decide(connection: Connection, batch: str) -> None:
    """Note which commands have their outcome by now."""
    await connection.execute(SQL.decide, batch)


async def halted(connection: Connection, batch: str) -> str | None:
    """Why a batch may not go on; None while it may."""
    found: str | None = await connection.fetchval(SQL.halted, batch, SWITCH, LETTING_GO)
    return found


async def find(connection: Connection, batch: str) -> Row | None:
    """A batch with how far it has come."""
    return await connection.fetchrow(SQL.find, batch)


async def newest(connection: Connection, limit: int) -> list[Row]:
    """The last batches, newest first."""
    return await connection.fetch(SQL.newest, limit)


async def counts(connection: Connection, batch: str) -> list[Row]:
    """Methods by `state` and what is `broken`."""
    return await connection.fetch(SQL.counts, batch)


async def outcomes(connection: Connection, batch: str) -> list[Row]:
    """Accounts by the `outcome` and `code` of asking them."""
    return await connection.fetch(SQL.outcomes, batch)


async def accounts(connection: Connection, batch: str, *, limit: int, offset: int) -> list[Row]:
    """A page of the accounts that were asked: `account_id`, `outcome`, `code`, `answer`."""
    return await connection.fetch(SQL.accounts, batch, limit, offset)


async def methods(connection: Connection, batch: str, account_ids: Sequence[str]) -> list[Row]:
    """The migrations of these accounts in a batch, as rows with `account_id`."""
    return await connection.fetch(SQL.methods, batch, account_ids)


async def moves(
    connection: Connection, batch: str, *, state: str | None, account_id: str | None, limit: int
) -> list[Row]:
    """The migrations of a batch that moved last, as rows with `account_id`; of one state or account, if given."""
    return await connection.fetch(SQL.moves, batch, state, account_id, limit)


async def refused(connection: Connection, batch: str, *, account_id: str | None, limit: int) -> list[Row]:
    """Accounts that refused to be looked at: `account_id`, `code`, `answer`; only one, if it is given."""
    return await connection.fetch(SQL.refused, batch, account_id, limit)


async def waiting_accounts(connection: Connection, batch: str) -> list[str]:
    """The accounts of which something waits for Braintree's import or for its first payment."""
    return [row["account_id"] for row in await connection.fetch(SQL.waiting_accounts, batch)]


async def reversible(connection: Connection, batch: str) -> list[Row]:
    """The migrations of a batch that can still be taken back, as rows with `account_id`."""
    return await connection.fetch(SQL.reversible, batch)


def _batch(row: Row) -> PayPalBatch:
    fields = {name: row[name] for name in row.keys() if name not in ("id", "accounts")}  # noqa: SIM118 - a Record
    return PayPalBatch(accounts=tuple(row["accounts"]), **fields)


def _row(batch_id: str, batch: PayPalBatch) -> tuple[Any, ...]:
    return (
        batch_id,
        batch.dry_run,
        batch.after,
        list(batch.accounts),
        batch.cap,
        batch.asked_by,
        batch.reason,
        batch.stopped,
        batch.version,
        batch.created_on,
        batch.edited_on,
    )


STORE: Final = Store(PAYPAL_BATCH, load, save)
