"""Sweeps: which one is under way, how far it has come, and what Stripe showed it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from state.postgres.connection import Connection, Row
from state.postgres.queries import queries

SQL: Final = queries("sweeps")


class SweepLostError(Exception):
    """Somebody else goes on with the sweep, or it was stopped."""


@dataclass(frozen=True, slots=True)
class Sweep:
    """One sweep: `phase` and `place` are where it goes on; the counts are of what is behind it."""

    id: int
    phase: str
    place: str | None
    state: str
    accounts: int
    calls: int
    suspects: int
    last_error: str | None
    leased_by: str | None
    started_at: datetime
    finished_at: datetime | None


@dataclass(slots=True)
class Counts:
    """What a step of a sweep adds: accounts compared, requests sent, accounts looked at more closely."""

    accounts: int = 0
    calls: int = 0
    suspects: int = 0


async def ask(connection: Connection, phase: str) -> int | None:
    """Have a sweep done that begins with this phase; None when one is under way."""
    found: int | None = await connection.fetchval(SQL.ask, phase)
    return found


async def take(connection: Connection, worker: str, lease: timedelta) -> Sweep | None:
    """The sweep under way, if nobody else works on it."""
    row = await connection.fetchrow(SQL.take, worker, lease)
    return Sweep(**dict(row)) if row else None


async def move(
    connection: Connection,
    sweep: Sweep,
    worker: str,
    counts: Counts,
    *,
    phase: str,
    place: str | None,
    lease: timedelta,
) -> None:
    """Note how far it has come. Raises `SweepLostError`."""
    moved = await connection.fetchval(
        SQL.move,
        sweep.id,
        worker,
        phase,
        place,
        counts.accounts,
        counts.calls,
        counts.suspects,
        lease,
    )
    if moved is None:
        raise SweepLostError


async def failed(
    connection: Connection, sweep: Sweep, worker: str, cause: str, *, retry_in: timedelta
) -> None:
    """Note why it does not go on now; nobody takes it before `retry_in`."""
    await connection.execute(SQL.failed, sweep.id, worker, cause, retry_in)


async def finish(connection: Connection, sweep: Sweep, worker: str) -> None:
    """It is through; what Stripe showed it is forgotten."""
    await connection.execute(SQL.finish, sweep.id, worker)


async def release(connection: Connection, worker: str) -> None:
    """This worker has stopped: what it held of sweeps, recent changes and rounds is anybody's at once."""
    await connection.execute(SQL.release, worker)


async def stop(connection: Connection) -> int | None:
    """End the sweep under way where it is; gives its number."""
    found: int | None = await connection.fetchval(SQL.stop)
    return found


async def newest(connection: Connection, limit: int) -> list[Sweep]:
    """The last sweeps, newest first."""
    return [Sweep(**dict(row)) for row in await connection.fetch(SQL.newest, limit)]


async def seconds_since_last(connection: Connection) -> float | None:
    """Since the beginning of the last one that came to its end."""
    found: float | None = await connection.fetchval(SQL.since_last)
    return found


async def seconds_since_begun(connection: Connection) -> float | None:
    """Since the beginning of the last one, whatever became of it."""
    found: float | None = await connection.fetchval(SQL.since_begun)
    return found


async def seen(connection: Connection, sweep: int, object_ids: Sequence[str]) -> None:
    """Note that Stripe showed these objects."""
    await connection.execute(SQL.seen, sweep, object_ids)


async def unseen(connection: Connection, sweep: int, *, after: str, limit: int) -> list[str]:
    """Accounts with a customer or live subscription that Stripe did not show, in id order behind `after`."""
    return _ids(await connection.fetch(SQL.unseen, sweep, after, limit))


async def with_customer(
    connection: Connection, *, after: str, limit: int, parts: int = 1, part: int = 0
) -> list[str]:
    """Accounts that have a customer at Stripe, in id order behind `after`: one of so many parts of them all."""
    return _ids(await connection.fetch(SQL.with_customer, after, limit, parts, part))


async def with_agreement(connection: Connection, *, after: str, limit: int) -> list[str]:
    """Accounts that have or had something in Braintree's vault, in id order behind `after`."""
    return _ids(await connection.fetch(SQL.with_agreement, after, limit))


async def without_agreement(connection: Connection, *, after: str, limit: int) -> list[str]:
    """All the other accounts, in id order behind `after`."""
    rows = await connection.fetch(SQL.without_agreement, after, limit)
    return [row["id"] for row in rows]


async def lead(connection: Connection, name: str, worker: str, lease: timedelta) -> bool:
    """Whether this worker is the one that looks at recent changes for as long as the lease."""
    return await connection.fetchval(SQL.lead, name, worker, lease) is not None


async def window(connection: Connection, name: str) -> datetime | None:
    """Up to when recent changes were looked at."""
    found: datetime | None = await connection.fetchval(SQL.window, name)
    return found


async def move_window(connection: Connection, name: str, until: datetime) -> None:
    """Recent changes were looked at up to here; never moves back."""
    await connection.execute(SQL.move_window, name, until)


async def round_place(connection: Connection, name: str, no_sooner: timedelta) -> str | None:
    """Behind which account a round goes on, begun now if it is time; None while the next one is not due."""
    place: str | None = await connection.fetchval(SQL.round_place, name, no_sooner)
    return place


async def payers(connection: Connection, *, after: str, limit: int) -> list[str]:
    """Accounts that pay by PayPal, in id order behind `after`."""
    return _ids(await connection.fetch(SQL.payers, after, limit))


async def move_round(connection: Connection, name: str, worker: str, place: str | None) -> None:
    """A round has come so far; None: it is through. Nothing happens if it is somebody else's by now."""
    await connection.execute(SQL.move_round, name, worker, place)


async def seconds_since_round(connection: Connection, name: str) -> float | None:
    """Since the beginning of the last round that came to its end."""
    found: float | None = await connection.fetchval(SQL.since_round, name)
    return found


def _ids(rows: Sequence[Row]) -> list[str]:
    return [row["account_id"] for row in rows]
