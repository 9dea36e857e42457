"""Rows that link accounts to Stripe customers and remember what Stripe last held."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from pydantic import TypeAdapter

from handlers.open_setups import Setups
from handlers.stripe_customers import STRIPE_CUSTOMER, Failure, StripeCustomer
from state.postgres.connection import Connection, Row
from state.postgres.queries import queries
from state.postgres.store import Store, expect_all

SQL: Final = queries("stripe_customers")
_SETUPS: Final = TypeAdapter(Setups)
_NONE: Final = "[]"


@dataclass(frozen=True, slots=True)
class Holders:
    """The accounts linked to one customer, in id order, as read at `as_of` by the database's clock."""

    accounts: tuple[str, ...]
    as_of: datetime


async def load(connection: Connection, ids: Sequence[str]) -> dict[str, StripeCustomer]:
    """The Stripe side of the given accounts, where there is one."""
    return {row["account_id"]: _customer(row) for row in await connection.fetch(SQL.load, ids)}


async def estimated(connection: Connection) -> int:
    """About how many accounts have a Stripe side. Counting them would read the whole table."""
    found: int = await connection.fetchval(SQL.estimated)
    return found


async def save(connection: Connection, customers: Mapping[str, StripeCustomer]) -> None:
    """Write the links. Raises `LostUpdateError` when a newer version is there already."""
    rows = [_row(account_id, customer) for account_id, customer in customers.items()]
    expect_all("stripe_customers", len(rows), await connection.execute(SQL.save, rows))


async def holders(connection: Connection, customer_ids: Sequence[str]) -> dict[str, Holders]:
    """Who is linked to each customer; more than one account means merged."""
    found: dict[str, Holders] = {}
    for row in await connection.fetch(SQL.accounts_of, customer_ids):
        earlier = found.get(row["customer_id"])
        accounts = (*earlier.accounts, row["account_id"]) if earlier else (row["account_id"],)
        found[row["customer_id"]] = Holders(accounts, row["as_of"])
    return found


async def lock_customers(connection: Connection, customer_ids: Sequence[str]) -> None:
    """Let nobody else read the holders of these customers until the transaction ends."""
    await connection.execute(SQL.lock_customers, customer_ids)


def _customer(row: Row) -> StripeCustomer:
    failed_at = row["failed_at"]
    return StripeCustomer(
        customer_id=row["customer_id"],
        version=row["version"],
        projection=row["projection"],
        synced_at=row["synced_at"],
        failure=Failure(row["failed_projection"], row["failure_reason"], failed_at) if failed_at else None,
        merged=row["merged"],
        shared_as_of=row["shared_as_of"],
        setups=_SETUPS.validate_json(row["setups"]) if row["setups"] != _NONE else (),
        gone=row["gone"],
    )


def _row(account_id: str, customer: StripeCustomer) -> tuple[Any, ...]:
    failure = customer.failure
    return (
        account_id,
        customer.customer_id,
        customer.version,
        customer.projection,
        customer.synced_at,
        failure.projection if failure else None,
        failure.reason if failure else None,
        failure.at if failure else None,
        customer.merged,
        customer.shared_as_of,
        _SETUPS.dump_json(customer.setups).decode() if customer.setups else _NONE,
        customer.gone,
    )


STORE: Final = Store(STRIPE_CUSTOMER, load, save)
