"""What the effects member knows of each account's customer at Stripe: reserved, made, in doubt, held.

The account learns of its customer through facts, which take their time; whoever works on it next must
know at once. These rows are that memory, written under the effect's lease before and after each call.
All writes raise `LeaseLostError` when the lease is gone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from state.postgres.connection import Connection
from state.postgres.effects import Effect, LeaseLostError
from state.postgres.queries import queries

SQL: Final = queries("stripe_holdings")
KEY_KEPT: Final = timedelta(hours=23)
"""Stripe keeps an idempotency key for 24 hours (docs.stripe.com/api/idempotent_requests); an hour is ours."""


@dataclass(frozen=True, slots=True)
class Holding:
    """What is known of one account.

    `reservation` counts the reservations; the last one was made at `reserved_at`, is open while that is
    set, and `made_id` is the customer made for it. It is `stale` when its key may be forgotten at Stripe.
    `customer_id` is the customer last worked on, `projection` the digest that it is known to have; None
    is in doubt, or nothing yet. `noted_at` is the time of that note.
    """

    reservation: int = 0
    reserved_at: datetime | None = None
    stale: bool = False
    made_id: str | None = None
    customer_id: str | None = None
    projection: str | None = None
    noted_at: datetime | None = None


async def load(connection: Connection, account_id: str) -> Holding:
    """The row of one account, an empty one when there is none."""
    row = await connection.fetchrow(SQL.load, account_id, KEY_KEPT)
    return Holding(**dict(row)) if row else Holding()


async def made_for(connection: Connection, customer_ids: Sequence[str]) -> set[str]:
    """Those of these customers that were made for a reservation which is still open."""
    return {row["made_id"] for row in await connection.fetch(SQL.made_for, customer_ids)}


async def reserve(connection: Connection, effect: Effect, worker: str) -> int:
    """Reserve a new customer before it is made; gives the number of the reservation."""
    number: int = await _write(connection, SQL.reserve, effect, worker)
    return number


async def made(connection: Connection, effect: Effect, worker: str, customer_id: str) -> None:
    """Write down the customer that was made for the open reservation."""
    await _write(connection, SQL.made, effect, worker, customer_id)


async def close(connection: Connection, effect: Effect, worker: str) -> None:
    """End the reservation: its customer is linked, given up, or was refused."""
    await _write(connection, SQL.close, effect, worker)


async def note(
    connection: Connection, effect: Effect, worker: str, customer_id: str | None, projection: str | None
) -> datetime:
    """Write what the customer holds, None for in doubt; gives the time of the note."""
    at: datetime = await _write(connection, SQL.note, effect, worker, customer_id, projection)
    return at


async def _write(connection: Connection, sql: str, effect: Effect, worker: str, *values: object) -> Any:
    written = await connection.fetchval(sql, effect.account_id, effect.id, worker, *values)
    if written is None:
        raise LeaseLostError
    return written
