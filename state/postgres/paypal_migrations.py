"""Migrations of PayPal methods, one row a method and batch, saved as a set."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Final

from handlers.paypal_migration import PAYPAL_MIGRATIONS, Migration, Migrations
from state.postgres.connection import Connection, Row
from state.postgres.queries import queries
from state.postgres.store import Store, expect_all
from topics.payment_methods import MethodDetails
from topics.paypal_migrations import Brokenness, MigrationState

SQL: Final = queries("paypal_migrations")


async def load(connection: Connection, ids: Sequence[str]) -> dict[str, Migrations]:
    """The migrations of the given accounts, where there are any."""
    found: defaultdict[str, dict[tuple[str, str], Migration]] = defaultdict(dict)
    for row in await connection.fetch(SQL.load, ids):
        found[row["account_id"]][row["method_id"], row["batch"]] = migration(row)
    return {account_id: Migrations(rows) for account_id, rows in found.items()}


async def save(connection: Connection, changed: Mapping[str, Migrations]) -> None:
    """Write what was touched. Raises `LostUpdateError` when a newer version is there already."""
    rows = [
        _row(account_id, migrations.rows[key])
        for account_id, migrations in changed.items()
        for key in sorted(migrations.touched)
    ]
    expect_all("paypal_migrations", len(rows), await connection.execute(SQL.save, rows))


async def waiting(connection: Connection, *, after: str, limit: int) -> list[str]:
    """A page of accounts with a method that waits for somebody else, in id order behind `after`."""
    return [row["account_id"] for row in await connection.fetch(SQL.waiting, after, limit)]


async def standing(connection: Connection) -> dict[str, int]:
    """How many methods stand in each state, dry runs left out."""
    return {row["state"]: row["methods"] for row in await connection.fetch(SQL.standing)}


def migration(row: Row) -> Migration:
    """A row as a value."""
    return Migration(
        method_id=row["method_id"],
        batch=row["batch"],
        dry_run=row["dry_run"],
        state=MigrationState(row["state"]),
        old=MethodDetails.model_validate_json(row["old"]),
        version=row["version"],
        began_on=row["began_on"],
        edited_on=row["edited_on"],
        broken=Brokenness(row["broken"]) if row["broken"] else None,
        source=MethodDetails.model_validate_json(row["source"]) if row["source"] else None,
        new=row["new_reference"],
        awaited=row["awaited"],
        in_vault=row["in_vault"],
        switched_on=row["switched_on"],
        charged=row["charged"],
        turning=row["turning"],
        why=row["why"],
        asked_back=row["asked_back"],
    )


def _row(account_id: str, one: Migration) -> tuple[Any, ...]:
    return (
        account_id,
        one.method_id,
        one.batch,
        one.dry_run,
        one.state.value,
        one.old.model_dump_json(exclude_none=True),
        one.old.reference,
        one.broken.value if one.broken else None,
        one.source.model_dump_json(exclude_none=True) if one.source else None,
        one.new,
        one.awaited,
        one.in_vault,
        one.switched_on,
        one.charged,
        one.turning,
        one.why,
        one.asked_back,
        one.version,
        one.began_on,
        one.edited_on,
    )


STORE: Final = Store(PAYPAL_MIGRATIONS, load, save)
