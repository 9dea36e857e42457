"""Effects: work owed to the outside, claimed with leases, in order per account and target."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple
from uuid import UUID

import orjson

from state.postgres.connection import Connection, Row
from state.postgres.queries import queries
from topics.message import Urgency

SQL: Final = queries("effects")
_CLAIMS: Final = 0x65666663  # "effc"
PURGED_AT_ONCE: Final = 5_000
_AWAITED: Final = (Urgency.CUSTOMER, Urgency.CUSTOMER)
_UNAWAITED: Final = (Urgency.WEBHOOK, Urgency.SWEEP)
"""From and to."""

QUIET: Final = timedelta(seconds=0.5)
"""A pause in what is asked for under one key that lets it run; after four of them it runs in any case."""


class EffectRow(NamedTuple):
    """Work to owe, as it is written.

    It is due after `after`; with `quiet` when nothing more was asked for under its coalescing key for so long.
    `payload` is JSON, `cause` a command's id, `reply_to` who waits.
    """

    account_id: str
    id: UUID
    kind: str
    target: str
    coalesce: str | None = None
    payload: str = "{}"
    cause: str | None = None
    reply_to: str | None = None
    after: timedelta | None = None
    urgency: Urgency = Urgency.CUSTOMER
    quiet: timedelta | None = None


class LeaseLostError(Exception):
    """Somebody else works on the effect by now: nothing may be written for it, nothing sent."""


@dataclass(frozen=True, slots=True)
class Effect:
    """Claimed work. `generation` says how often it was asked for, `reply_to` who waits for its conclusion.

    `leased_until` is by the database's clock and no two claims of one effect have the same.
    """

    account_id: str
    id: UUID
    kind: str
    target: str
    payload: Mapping[str, Any]
    cause: str | None
    generation: int
    attempts: int
    created_at: datetime
    leased_until: datetime
    reply_to: str | None = None
    urgency: Urgency = Urgency.CUSTOMER


async def add(connection: Connection, rows: Sequence[EffectRow]) -> None:
    """Owe this work. Rows that share a coalescing key with an open one only raise its generation.

    What stands before work that somebody waits for becomes as urgent as that.
    """
    owed = _coalesced(rows)
    await connection.execute(SQL.add, owed)
    awaited = {
        (one.account_id, one.target) for one in owed if one.urgency is Urgency.CUSTOMER and not one.quiet
    }
    if awaited:
        account_ids, targets = zip(*sorted(awaited), strict=True)
        await connection.execute(SQL.hurry, account_ids, targets)


def _coalesced(rows: Sequence[EffectRow]) -> list[EffectRow]:
    """One row per coalescing key, as a statement can't touch one row twice: the last, with all payloads."""
    latest: dict[tuple[object, ...], EffectRow] = {}
    for row in rows:
        key = (row.account_id, row.target, row.kind, row.coalesce or row.id)
        earlier = latest.pop(key, None)
        latest[key] = _merged(earlier, row) if earlier else row
    return list(latest.values())


def _merged(earlier: EffectRow, row: EffectRow) -> EffectRow:
    payload = orjson.dumps({**orjson.loads(earlier.payload), **orjson.loads(row.payload)}).decode()
    at_once = earlier.quiet is None or row.quiet is None
    return row._replace(
        payload=payload,
        urgency=min(earlier.urgency, row.urgency),
        quiet=None if at_once else row.quiet,
    )


async def claim(
    connection: Connection, *, worker: str, kinds: Sequence[str], lease: timedelta, limit: int, unawaited: int
) -> list[Effect]:
    """Take up to `limit` due effects for `lease`, the most urgent first; nobody else gets them before it ends.

    No more than `unawaited` of them are such as nobody waits for.
    `worker` fences all that follows, so it must be new for every claim: a process that was stopped may
    claim again what it still holds in another hand.
    """
    async with connection.transaction():
        await connection.execute(SQL.lock_claims, _CLAIMS)
        rows = await connection.fetch(SQL.claim, worker, lease, limit, kinds, *_AWAITED)
        if others := min(limit - len(rows), unawaited):
            rows += await connection.fetch(SQL.claim, worker, lease, others, kinds, *_UNAWAITED)
    return [_effect(row) for row in rows]


async def read_again(connection: Connection, effect: Effect, worker: str) -> Effect:
    """The effect as it stands in the caller's snapshot. Raises `LeaseLostError`."""
    row = await connection.fetchrow(SQL.read_again, effect.account_id, effect.id, worker)
    if row is None:
        raise LeaseLostError
    return _effect(row)


async def extend(
    connection: Connection, held: Sequence[tuple[Effect, str]], *, lease: timedelta
) -> set[UUID]:
    """Keep claimed effects, each with its worker, for longer; gives those that are still theirs."""
    account_ids = [effect.account_id for effect, _ in held]
    ids = [effect.id for effect, _ in held]
    workers = [worker for _, worker in held]
    return {row["id"] for row in await connection.fetch(SQL.extend, lease, account_ids, ids, workers)}


async def finish(
    connection: Connection, effect: Effect, worker: str, *, generation: int, state: str, error: str | None
) -> str:
    """Close what was asked for up to `generation` as done or failed; gives the row's state from now on.

    Raises `LeaseLostError`: then nothing else may be written.
    """
    found: str | None = await connection.fetchval(
        SQL.finish, effect.account_id, effect.id, worker, generation, state, error
    )
    if found is None:
        raise LeaseLostError
    return found


async def retry_later(
    connection: Connection,
    effect: Effect,
    worker: str,
    *,
    delay: timedelta,
    error: str,
    counted: bool = True,
    gives_way: bool = False,
) -> None:
    """Give the effect back, to be claimed again after `delay`; a lost lease has nothing to give.

    With `gives_way` it stands behind what the account is owed at the same target by now.
    """
    await connection.execute(
        SQL.retry_later,
        effect.account_id,
        effect.id,
        worker,
        effect.generation,
        delay,
        0 if counted else 1,
        error,
        gives_way,
    )


async def reopen(connection: Connection, effect_id: UUID | None) -> list[UUID]:
    """Try one effect again at once, or every failed one; gives the ids reopened."""
    return [row["id"] for row in await connection.fetch(SQL.reopen, effect_id)]


async def listed(connection: Connection, *, states: Sequence[str], limit: int) -> Sequence[Row]:
    """The oldest effects in these states, for an operator."""
    return await connection.fetch(SQL.listed, states, limit)


async def backlog(connection: Connection) -> dict[tuple[str, str, str], tuple[int, float]]:
    """By target, kind and state: how many are not done, and the age of the oldest in seconds."""
    rows = await connection.fetch(SQL.backlog)
    return {(row["target"], row["kind"], row["state"]): (row["depth"], row["oldest"]) for row in rows}


async def open_of(connection: Connection, account_ids: Sequence[str]) -> Sequence[Row]:
    """What is owed for these accounts, oldest first within each."""
    return await connection.fetch(SQL.open_of, account_ids)


async def purge(connection: Connection, before: datetime) -> int:
    """Forget some of the work that was finished before `before`; gives how much."""
    status = await connection.execute(SQL.purge, before, PURGED_AT_ONCE)
    return int(status.rpartition(" ")[2])


def _effect(row: Row) -> Effect:
    return Effect(
        account_id=row["account_id"],
        id=row["id"],
        kind=row["kind"],
        target=row["target"],
        payload=orjson.loads(row["payload"]),
        cause=row["cause"],
        generation=row["generation"],
        attempts=row["attempts"],
        created_at=row["created_at"],
        leased_until=row["leased_until"],
        reply_to=row["reply_to"],
        urgency=Urgency(row["urgency"]),
    )
