"""Effects: work owed to the outside, claimed with leases, in order per account and target."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import orjson

from state.postgres.connection import Connection, Row
from state.postgres.queries import queries

SQL: Final = queries("effects")

EffectRow = tuple[str, UUID, str, str, str | None, str, str | None, datetime]
"""account id, effect id, kind, target, coalescing key, payload (JSON), cause (command id), due."""


@dataclass(frozen=True, slots=True)
class Effect:
    """Claimed work. `generation` says how often it was asked for; `progress` is a recovery point."""

    account_id: str
    id: UUID
    kind: str
    target: str
    payload: Mapping[str, Any]
    progress: Mapping[str, Any] | None
    cause: str | None
    generation: int
    attempts: int
    created_at: datetime


async def add(connection: Connection, rows: Sequence[EffectRow]) -> None:
    """Owe this work. Rows that share a coalescing key with an open one only raise its generation."""
    await connection.execute(SQL.add, _coalesced(rows))


def _coalesced(rows: Sequence[EffectRow]) -> list[EffectRow]:
    """One row per coalescing key: a statement can't touch one row twice. The last one asked wins."""
    latest: dict[tuple[object, ...], EffectRow] = {}
    for row in rows:
        account_id, effect_id, kind, target, coalesce, *_ = row
        latest[(account_id, target, kind, coalesce or effect_id)] = row
    return list(latest.values())


async def claim(
    connection: Connection, *, worker: str, kinds: Sequence[str], lease: timedelta, limit: int, now: datetime
) -> list[Effect]:
    """Take up to `limit` due effects for `lease`; nobody else gets them before it ends."""
    rows = await connection.fetch(SQL.claim, worker, lease, limit, now, kinds)
    return [_effect(row) for row in rows]


async def extend(connection: Connection, *, worker: str, ids: Sequence[UUID], until: datetime) -> None:
    """Keep claimed effects for longer while they are worked on."""
    await connection.execute(SQL.extend, worker, ids, until)


async def note_progress(
    connection: Connection, effect: Effect, worker: str, progress: Mapping[str, Any]
) -> bool:
    """Write a recovery point before the call it describes; False when the lease was lost."""
    text = orjson.dumps(progress).decode()
    status = await connection.execute(SQL.note_progress, effect.account_id, effect.id, worker, text)
    return bool(status == "UPDATE 1")


async def finish(
    connection: Connection, effect: Effect, worker: str, *, state: str, error: str | None, now: datetime
) -> bool:
    """Close as done or failed; False when the lease was lost, and then nothing else may be written."""
    found = await connection.fetchval(
        SQL.finish, effect.account_id, effect.id, worker, effect.generation, state, error, now
    )
    return found is not None


async def retry_later(
    connection: Connection, effect: Effect, worker: str, *, due: datetime, error: str
) -> None:
    """Give the effect back, to be claimed again from `due` on."""
    await connection.execute(SQL.retry_later, effect.account_id, effect.id, worker, due, error)


async def reopen(connection: Connection, effect_id: UUID | None) -> list[UUID]:
    """Try one effect again at once, or every failed one; gives the ids reopened."""
    return [row["id"] for row in await connection.fetch(SQL.reopen, effect_id)]


async def listed(connection: Connection, *, states: Sequence[str], limit: int) -> Sequence[Row]:
    """The oldest effects in these states, for an operator."""
    return await connection.fetch(SQL.listed, states, limit)


async def backlog(connection: Connection) -> dict[tuple[str, str], tuple[int, float]]:
    """By target and state: how many, and the age of the oldest in seconds."""
    rows = await connection.fetch(SQL.backlog)
    return {(row["target"], row["state"]): (row["depth"], row["oldest"]) for row in rows}


async def open_of(connection: Connection, account_id: str) -> Sequence[Row]:
    """What is owed for one account, oldest first."""
    return await connection.fetch(SQL.open_of, account_id)


async def purge(connection: Connection, before: datetime) -> None:
    """Forget finished work older than `before`."""
    await connection.execute(SQL.purge, before)


def _effect(row: Row) -> Effect:
    return Effect(
        account_id=row["account_id"],
        id=row["id"],
        kind=row["kind"],
        target=row["target"],
        payload=orjson.loads(row["payload"]),
        progress=orjson.loads(row["progress"]) if row["progress"] else None,
        cause=row["cause"],
        generation=row["generation"],
        attempts=row["attempts"],
        created_at=row["created_at"],
    )
