"""One batch, one transaction: fence, locks, journal, parts, decisions, rows (DESIGN.md 3).

Laws kept here: the cursor fence and the journal key stand in the transaction of the effects (1, 2);
account rows are locked in id order before anything of theirs is read or written (4); nothing outside
PostgreSQL is called (5).
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from consumers.fold import Fold, Loaded, Rows, Suspicion
from consumers.lane import Lane
from handlers.account import Account, Part
from handlers.accounts import ACCOUNT
from handlers.registry import HANDLERS
from observability.crash import crash_point
from state.postgres import accounts, cursors, effects, journal, outbox, parking
from state.postgres.connection import Connection
from state.postgres.cursors import Span
from state.postgres.journal import Outcome
from state.postgres.stores import STORES, forget
from state.redis.operations import Underway
from topics.codec import Rejected, decode
from topics.message import Received
from topics.parking import MESSAGES as PARKING_MESSAGES

Decoded = Received | Rejected


@dataclass(frozen=True, slots=True)
class Batch:
    """Decoded records in the order of their partitions, and how far they move each cursor."""

    spans: tuple[Span, ...]
    entries: tuple[Decoded, ...]
    suspicion: Suspicion = field(default_factory=Suspicion)


@dataclass(frozen=True, slots=True)
class Result:
    """What a committed batch did. `fenced` partitions were not touched: somebody else moved them.

    `given_up` are operations that became dead letters.
    """

    fenced: frozenset[int]
    committed: tuple[tuple[UUID, str], ...] = ()
    outcomes: tuple[tuple[str, Outcome], ...] = ()
    tally: Mapping[tuple[str, str], int] = field(default_factory=dict)
    dead: Mapping[str, int] = field(default_factory=dict)
    given_up: tuple[tuple[UUID, Underway], ...] = ()
    duplicates: Mapping[str, int] = field(default_factory=dict)
    history: str = ""


async def apply(connection: Connection, lane: Lane, batch: Batch, now: datetime) -> Result:
    """Apply a batch. Raises what PostgreSQL raises; then nothing of the batch holds."""
    async with connection.transaction():
        crash_point("loop.begun")
        moved = await cursors.advance(connection, lane.group, lane.topic.name, batch.spans)
        fenced = frozenset(span.partition for span in batch.spans) - moved
        entries = [entry for entry in batch.entries if entry.record.partition in moved]
        crash_point("loop.fenced")
        result = (
            await _apply(connection, lane, entries, now, batch.suspicion, fenced)
            if entries
            else Result(fenced)
        )
        crash_point("loop.before_commit")
    crash_point("loop.committed")
    return result


async def _apply(
    connection: Connection,
    lane: Lane,
    entries: Sequence[Decoded],
    now: datetime,
    suspicion: Suspicion,
    fenced: frozenset[int],
) -> Result:
    received = _first_of_each(entries)
    locked = await accounts.lock(connection, sorted({one.account_id for one in received}))
    crash_point("loop.locked")
    parked = await _parked(connection, received, locked)
    shelves = await _shelves(connection, received, parked, lane)
    waiting = [one for shelf in shelves.values() for one in shelf if isinstance(one, Received)]
    known = await journal.known(connection, [one.id for one in (*received, *waiting)])
    fresh = [one for one in received if one.id not in known] if known else received
    loaded = await _load(connection, locked, [*fresh, *waiting])
    crash_point("loop.loaded")

    decided = {command_id: outcome.account_id for command_id, outcome in known.items()}
    fold = Fold(lane, Loaded(loaded, frozenset(parked), shelves, decided), now, suspicion)
    _run(fold, entries, received)
    await _write(connection, fold.rows, now)
    crash_point("loop.written")
    repeated = sum(isinstance(entry, Received) for entry in entries) - len(received)
    return Result(
        fenced=fenced,
        committed=(
            *((row[0], row[1]) for row in fold.rows.journal),
            *((told.command_id, told.account_id) for told in known.values()),
        ),
        outcomes=(*fold.outcomes, *_told_again(received, known)),
        tally=fold.tally,
        dead=fold.dead,
        given_up=tuple(fold.given_up),
        duplicates=Counter({"batch": repeated, "journal": len(received) - len(fresh)}),
    )


def _first_of_each(entries: Iterable[Decoded]) -> list[Received]:
    """Messages with one id in one batch are one message: the first of its account."""
    first: dict[tuple[UUID, str], Received] = {}
    for entry in entries:
        if isinstance(entry, Received):
            first.setdefault((entry.id, entry.account_id), entry)
    return list(first.values())


async def _parked(
    connection: Connection, received: Sequence[Received], locked: Mapping[str, accounts.LockedAccount]
) -> set[str]:
    """Accounts with commands set aside. An unknown account has no row to say so, only its shelf.

    Where an operator asks, the shelf itself is looked at: what lies there can be moved on in any case.
    """
    parked = {account_id for account_id, found in locked.items() if found.parked_since}
    unsure = {one.account_id for one in received} - locked.keys() | _asked(received)
    return parked | await parking.shelved(connection, sorted(unsure)) if unsure else parked


def _asked(received: Iterable[Received]) -> set[str]:
    """The accounts that an operator moves on."""
    return {one.account_id for one in received if type(one.message) in PARKING_MESSAGES}


async def _shelves(
    connection: Connection, received: Sequence[Received], parked: set[str], lane: Lane
) -> dict[str, list[Decoded]]:
    """What waits for the accounts that an operator moves on in this batch."""
    asked = _asked(received) & parked
    if not asked:
        return {}
    records = await parking.load(connection, sorted(asked))
    every = frozenset(message.kind for message in HANDLERS)
    return {account_id: decode(shelf, every) for account_id, shelf in records.items()}


async def _load(
    connection: Connection, locked: Mapping[str, accounts.LockedAccount], received: Sequence[Received]
) -> dict[str, Account]:
    """The accounts with the parts their messages need, each part loaded for all that need it at once."""
    wanted: dict[Part[Any], set[str]] = {}
    for one in received:
        handler = HANDLERS.get(type(one.message))
        for part in handler.needs if handler else ():
            wanted.setdefault(part, set()).add(one.account_id)
    parts: dict[str, dict[Part[Any], Any]] = {
        one.account_id: {ACCOUNT: found.record if (found := locked.get(one.account_id)) else None}
        for one in received
    }
    for part, ids in wanted.items():
        values = await STORES[part].load(connection, list(ids))
        for account_id in ids:
            parts[account_id][part] = values.get(account_id)
    return {account_id: Account(account_id, found) for account_id, found in parts.items()}


def _run(fold: Fold, entries: Iterable[Decoded], received: Sequence[Received]) -> None:
    """Fold in order, leaving out what the batch holds twice."""
    first = {id(one) for one in received}
    for entry in entries:
        if isinstance(entry, Rejected):
            fold.reject(entry)
        elif id(entry) in first:
            fold.take(entry)


async def _write(connection: Connection, rows: Rows, now: datetime) -> None:
    if rows.forget:
        await forget(connection, sorted(rows.forget))
    if rows.journal:
        await journal.record(connection, rows.journal, now)
    for part, store in STORES.items():
        if changed := rows.changed.get(part):
            await store.save(connection, changed)
    crash_point("loop.saved")
    if rows.outbox:
        await outbox.add(connection, rows.outbox)
    if rows.effects:
        await effects.add(connection, rows.effects)
    await _write_parking(connection, rows, now)


async def _write_parking(connection: Connection, rows: Rows, now: datetime) -> None:
    if rows.unshelved:
        account_ids, command_ids = zip(*rows.unshelved, strict=True)
        await parking.remove(connection, account_ids, command_ids)
    if rows.parked:
        await parking.add(connection, rows.parked)
    for account_id, command_id, error in rows.errors:
        await parking.note_error(connection, account_id, command_id, error)
    if rows.unpark:
        await accounts.unpark(connection, sorted(rows.unpark))
    if rows.park:
        await accounts.park(connection, sorted(rows.park), now)


def _told_again(received: Iterable[Received], known: Mapping[UUID, Outcome]) -> list[tuple[str, Outcome]]:
    """A caller may wait for a command that was decided before: it is told the same."""
    return [
        (one.envelope.reply_to, outcome)
        for one in received
        if one.envelope.reply_to and (outcome := known.get(one.id)) and outcome.account_id == one.account_id
    ]
