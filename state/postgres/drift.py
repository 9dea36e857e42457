"""Where our store and the processors disagree: open differences, their history, customers that are nobody's."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from handlers.drift import BEYOND_REPAIR, Difference
from state.postgres.connection import Connection, Row
from state.postgres.queries import queries
from topics.value import value

SQL: Final = queries("drift")
FORGET: Final[tuple[str, ...]] = (SQL.forget, SQL.forget_kept)
"""What goes of its tables when accounts are erased (state/postgres/stores.py)."""


@value
class Drift:
    """A difference that was found more than once. `repair` names the run that asked for its repair last; the object
    was read without a person at `read_asked_at`."""

    account_id: str
    difference: Difference
    since: datetime
    seen_at: datetime
    repair: UUID | None
    repair_asked_at: datetime | None
    read_asked_at: datetime | None


@value
class Stray:
    """A customer at Stripe that no account is linked to. `account_id` is whom it says it was made for;
    `linked_to` the customer that this account has instead, None when it has none or is not known here."""

    customer_id: str
    account_id: str | None
    linked_to: str | None
    created_on: datetime | None


async def record(
    connection: Connection,
    account_id: str,
    version: int,
    found: Collection[Difference],
    processors: Sequence[str],
) -> tuple[int, int]:
    """Write what one look at these processors found, and close what it did not find again.

    Nothing happens if the account's record has another `version` by now. Gives how many differences were
    confirmed, having been found for the second time, and how many are over.
    """
    rows = [(account_id, one.processor, one.field, one.ours, one.theirs, one.cause.value) for one in found]
    row = await connection.fetchrow(SQL.record, account_id, rows, list(processors), version)
    assert row is not None
    return row["confirmed"], row["closed"]


async def look_later(connection: Connection, account_id: str, after: timedelta) -> None:
    """Come back to the account: something is on its way, so nothing can be said of it now."""
    await connection.execute(SQL.look_later, account_id, after)


async def looked(connection: Connection, account_id: str) -> None:
    """It was looked at, with nothing on its way."""
    await connection.execute(SQL.looked, account_id)


async def due(connection: Connection, *, patience: timedelta, limit: int) -> list[str]:
    """Accounts to look at: suspects, and those with differences that were not looked at for a while."""
    return [row["account_id"] for row in await connection.fetch(SQL.due, patience, limit)]


async def differs_at(connection: Connection, account_id: str, processor: str) -> bool:
    """Whether something of the account differs at a processor, found once or more."""
    found: bool = await connection.fetchval(SQL.differs_at, account_id, processor)
    return found


async def unread(
    connection: Connection, account_id: str, cause: str, *, switch: str
) -> dict[int, Difference]:
    """An account's differences of a cause of which nothing was read yet, by their rows; none while `switch` is off."""
    rows = await connection.fetch(SQL.unread, account_id, cause, switch)
    return {row["id"]: _difference(row) for row in rows}


async def note_read(connection: Connection, row_ids: Sequence[int]) -> None:
    """What these differences are about is read: not again for the same ones."""
    await connection.execute(SQL.note_read, row_ids)


async def report(
    connection: Connection, *, causes: Sequence[str] = (), field: str | None = None, limit: int = 100
) -> list[Drift]:
    """What differs now, oldest first; only of some causes, or of fields that begin so."""
    return [_drift(row) for row in await connection.fetch(SQL.open, list(causes), field, limit)]


async def of_accounts(connection: Connection, account_ids: Sequence[str]) -> list[Drift]:
    """What differs now of some accounts."""
    return [_drift(row) for row in await connection.fetch(SQL.open_of, account_ids)]


async def summary(connection: Connection) -> list[Row]:
    """Open differences by processor, part and cause: `fields`, `accounts`, `oldest`."""
    return await connection.fetch(SQL.summary)


async def drifting(connection: Connection) -> int:
    """How many accounts differ now."""
    found: int = await connection.fetchval(SQL.drifting)
    return found


async def history(connection: Connection, account_id: str) -> list[Row]:
    """An account's differences, those that are over included."""
    return await connection.fetch(SQL.of_account, account_id)


async def repairable(
    connection: Connection,
    *,
    causes: Sequence[str],
    account_id: str | None,
    share: int,
    limit: int,
    asked_too: bool = False,
) -> list[str]:
    """Accounts to repair, oldest differences first: `share` percent of all, the same ones in each larger share.

    With `asked_too` also those whose repair was asked for just now.
    """
    given = (list(causes), account_id, share, limit, BEYOND_REPAIR, asked_too)
    return [row["account_id"] for row in await connection.fetch(SQL.repairable, *given)]


async def left_out(
    connection: Connection, *, causes: Sequence[str], account_id: str | None, share: int
) -> list[Row]:
    """How many `accounts` of a choice no repair ends, by `cause`."""
    return await connection.fetch(SQL.left_out, list(causes), account_id, share, BEYOND_REPAIR)


async def asked(connection: Connection, repair: UUID, account_ids: Sequence[str]) -> None:
    """Note that a run asked for the repair of these accounts, and keep what stands on both sides with it."""
    await connection.execute(SQL.asked, repair, account_ids)


async def ask_again(connection: Connection, repair: UUID, account_ids: Sequence[str]) -> None:
    """Let these be asked for again at once: their repair was refused, or never got out."""
    await connection.execute(SQL.ask_again, repair, account_ids)


async def of_repair(connection: Connection, repair: UUID) -> list[Row]:
    """What stood on both sides before a run."""
    return await connection.fetch(SQL.of_repair, repair)


async def stray(connection: Connection, found: Sequence[Stray]) -> None:
    """Note customers that are nobody's."""
    if found:
        rows = [(one.customer_id, one.account_id, one.linked_to, one.created_on) for one in found]
        await connection.execute(SQL.stray, rows)


async def strays(connection: Connection, limit: int) -> list[Row]:
    """Customers that are nobody's, longest first."""
    return await connection.fetch(SQL.strays, limit)


async def count_strays(connection: Connection) -> int:
    """How many customers are nobody's."""
    found: int = await connection.fetchval(SQL.count_strays)
    return found


async def forget_strays(connection: Connection, not_seen_since: datetime) -> None:
    """Drop those that were not found again, or are somebody's by now."""
    await connection.execute(SQL.forget_strays, not_seen_since)


async def forget_stray(connection: Connection, customer_id: str) -> None:
    """Drop one that is gone at Stripe."""
    await connection.execute(SQL.forget_stray, customer_id)


async def purge(connection: Connection, keep: timedelta) -> None:
    """Drop history and what stood before repairs that is older, a bounded number of rows at a time."""
    await connection.execute(SQL.purge, keep)


def _drift(row: Row) -> Drift:
    return Drift(
        row["account_id"],
        _difference(row),
        row["since"],
        row["seen_at"],
        row["repair"],
        row["repair_asked_at"],
        row["read_asked_at"],
    )


def _difference(row: Row) -> Difference:
    return Difference(row["processor"], row["field"], row["ours"], row["theirs"], row["cause"])
