"""What the effects member knows of each account's customer at Stripe: reserved, created, in doubt, held.

The account learns of its customer through facts, which take their time; whoever works on it next must
know at once. These rows are that memory: written under the effect's lease, before and after each call.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from state.postgres.connection import Connection
from state.postgres.effects import Effect, LeaseLostError
from state.postgres.queries import queries

SQL: Final = queries("stripe_holdings")
KEY_KEPT: Final = timedelta(hours=23)
"""Stripe keeps an idempotency key for 24 hours (docs.stripe.com/api/idempotent_requests); an hour is ours."""


@dataclass(frozen=True, slots=True)
class Holding:
    """`reservation` counts the creations begun, the last at `reserved_at`; `stale` when its key may be forgotten.

    `customer_id` is the customer as it was created or last worked on. `projection` is the digest that
    Stripe is known to hold; None is in doubt, or nothing yet. `noted_at` is the time of the last note.
    """

    reservation: int = 0
    reserved_at: datetime | None = None
    stale: bool = False
    customer_id: str | None = None
    projection: str | None = None
    noted_at: datetime | None = None


async def load(connection: Connection, account_id: str) -> Holding:
    """The row of one account, an empty one when there is none."""
    row = await connection.fetchrow(SQL.load, account_id, KEY_KEPT)
    return Holding(**dict(row)) if row else Holding()


async def reserve(connection: Connection, effect: Effect, worker: str, number: int) -> datetime:
    """Make the reservation before the customer; gives its time. Raises `LeaseLostError`."""
    at: datetime | None = await connection.fetchval(SQL.reserve, effect.account_id, effect.id, worker, number)
    if at is None:
        raise LeaseLostError
    return at


async def note(
    connection: Connection, effect: Effect, worker: str, customer_id: str | None, projection: str | None
) -> datetime:
    """Write what Stripe holds, None for in doubt; gives the time of it. Raises `LeaseLostError`."""
    at: datetime | None = await connection.fetchval(
        SQL.note, effect.account_id, effect.id, worker, customer_id, projection
    )
    if at is None:
        raise LeaseLostError
    return at
