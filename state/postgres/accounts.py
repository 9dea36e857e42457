"""Account rows: locked in id order before anything else is read, saved as a set."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from handlers.accounts import ACCOUNT, AccountRecord, Lock
from state.postgres.connection import Connection, Row
from state.postgres.queries import queries
from state.postgres.store import Store, expect_all
from topics.accounts import AccountType
from topics.value import value

SQL: Final = queries("accounts")
_TYPES: Final = {kind.value: kind for kind in AccountType}


@value
class LockedAccount:
    """An account row under lock: its record and since when its commands are parked."""

    record: AccountRecord
    parked_since: datetime | None


async def lock(connection: Connection, ids: Sequence[str]) -> dict[str, LockedAccount]:
    """Lock the rows in id order until the transaction ends; unknown accounts are left out."""
    rows = await connection.fetch(SQL.lock, ids)
    return {row["id"]: LockedAccount(_record(row), row["parked_since"]) for row in rows}


async def load(connection: Connection, ids: Sequence[str]) -> dict[str, AccountRecord]:
    """Read without a lock, for queries."""
    return {row["id"]: _record(row) for row in await connection.fetch(SQL.read, ids)}


async def save(connection: Connection, records: Mapping[str, AccountRecord]) -> None:
    """Write the records. Raises `LostUpdateError` when a row has not the version the record grew from."""
    rows = [_row(account_id, record) for account_id, record in records.items()]
    expect_all("accounts", len(rows), await connection.execute(SQL.save, rows))


async def park(connection: Connection, ids: Sequence[str], now: datetime) -> None:
    """Set the accounts aside: their commands are kept instead of applied, on every lane."""
    await connection.execute(SQL.park, ids, now)


async def unpark(connection: Connection, ids: Sequence[str]) -> None:
    """Apply the accounts' commands again."""
    await connection.execute(SQL.unpark, ids)


def _record(row: Row) -> AccountRecord:
    since = row["locked_since"]
    return AccountRecord(
        type=_TYPES[row["type"]],
        flags=row["flags"],
        version=row["version"],
        lock=Lock(row["locked_by"], row["lock_reason"], since) if since else None,
        created_on=row["created_on"],
        edited_on=row["edited_on"],
        erased_on=row["erased_on"],
    )


def _row(account_id: str, record: AccountRecord) -> tuple[Any, ...]:
    lock = record.lock
    return (
        account_id,
        record.type.value,
        record.flags,
        record.version,
        lock.by if lock else None,
        lock.reason if lock else None,
        lock.since if lock else None,
        record.created_on,
        record.edited_on,
        record.erased_on,
    )


STORE: Final = Store(ACCOUNT, load, save)
