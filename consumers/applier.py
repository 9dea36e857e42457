"""Gets a batch applied whatever fails, by the class of the failure (law 10), on a connection of its own."""

import asyncio
import random
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from time import perf_counter
from typing import Final

import structlog

from consumers.batch import Batch, Decoded, Result, apply
from consumers.fold import Suspicion
from consumers.lane import Lane
from observability import metrics
from observability.crash import crash_point
from state.postgres import journal
from state.postgres.connection import (
    OVER_TIME,
    PLANNED_ONCE,
    RETRY_NOW,
    STORE_DOWN,
    Connection,
    before_transactions,
    connect,
)
from state.postgres.cursors import Span
from state.postgres.history import history
from state.postgres.journal import ConcurrentDuplicateError
from state.postgres.store import LostUpdateError
from state.redis.dedup import Dedup
from topics.ids import uuid7_ms
from topics.message import Received
from topics.parking import ReleaseParked

log = structlog.get_logger()

CONFLICTS: Final = (*RETRY_NOW, LostUpdateError, ConcurrentDuplicateError)
MAX_CONFLICTS: Final = 5
TOO_MANY_CONFLICTS: Final = 30
"""So many in a row are no coincidence: something in the batch makes them."""
PATIENCE: Final = 3
"""So often a batch runs into the time limit of a statement before something in it is suspected, not the store."""
MAX_BACKOFF: Final = 5.0
FRESH_MS: Final = 2_000
"""An id this much older than its record, or more, may have been sent before."""
SMALLER_RELEASE: Final = {None: 64, 64: 8, 8: 1, 1: 0}
"""How many parked commands are tried in one transaction after the database refused more of them."""


class GivenUpError(Exception):
    """The partitions of the batch became somebody else's while it waited for the store."""


class Applier:
    """One worker's hands: a connection held for its lifetime and replaced when it breaks."""

    def __init__(self, lane: Lane, dsn: str, name: str, dedup: Dedup | None = None) -> None:
        self._lane, self._dsn, self._name, self._dedup = lane, dsn, name, dedup
        self._connection: Connection | None = None
        self._history = ""
        self._days = journal.Days()
        self._paused = metrics.PAUSED.labels(lane=lane.name, worker=name)
        self._paused.set(0)
        self._size = metrics.BATCH_SIZE.labels(lane=lane.name)
        self._seconds = metrics.BATCH_SECONDS.labels(lane=lane.name)

    async def apply(self, batch: Batch, wanted: Callable[[], bool]) -> list[Result]:
        """The results of the batch, or of the parts it had to be split into.

        Tries for as long as `wanted` says; raises `GivenUpError` after that.
        """
        return await self._apply(batch, wanted, patience=PATIENCE)

    async def _apply(self, batch: Batch, wanted: Callable[[], bool], *, patience: int) -> list[Result]:
        """Try a batch that may be too slow `patience` times before it is divided."""
        conflicts = failures = slow = surprises = 0
        while wanted():
            try:
                return [await self._try(batch)]
            except CONFLICTS as conflict:
                conflicts += 1
                if conflicts > TOO_MANY_CONFLICTS:
                    return await self._divide(batch, conflict, wanted)
                await self._conflict(conflict, conflicts)
            except STORE_DOWN as down:
                failures += 1
                slow += isinstance(down, OVER_TIME)
                if slow >= patience and divisible(batch, down):
                    return await self._divide(batch, down, wanted)
                await self._store_down(down, failures)
            except Exception as error:
                surprises += 1
                if len(batch.entries) > 1 or surprises > 1:
                    return await self._divide(batch, error, wanted)
                await self._surprised(error)
        raise GivenUpError

    async def close(self) -> None:
        """Give the connection back."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(*STORE_DOWN):
                await connection.close(timeout=2)

    async def _try(self, batch: Batch) -> Result:
        connection = await self._prepared(batch)
        unseen = await self._unseen(batch.entries)
        crash_point("loop.filtered")
        began = perf_counter()
        result = await apply(connection, self._lane, replace(batch, entries=unseen), datetime.now(UTC))
        self._committed(batch, perf_counter() - began)
        found = {**result.duplicates, "redis": len(batch.entries) - len(unseen)}
        return replace(result, history=self._history, duplicates=found)

    async def _prepared(self, batch: Batch) -> Connection:
        """A connection to a database that has the days of the batch; nothing is suspected for what fails here."""
        with before_transactions():
            connection = await self._connected()
            await self._days.ensure(connection, [e.id for e in batch.entries if isinstance(e, Received)])
        return connection

    def _committed(self, batch: Batch, seconds: float) -> None:
        """A try that failed, and the wait after it, is in no measure of transactions but in the count of retries."""
        self._paused.set(0)
        self._size.observe(len(batch.entries))
        self._seconds.observe(seconds)

    async def _connected(self) -> Connection:
        if self._connection is None or self._connection.is_closed():
            self._connection = await connect(self._dsn, name=self._name, planning=PLANNED_ONCE)
            self._history = ""
        if not self._history:
            self._history = await history(self._connection)
        return self._connection

    async def _unseen(self, entries: tuple[Decoded, ...]) -> tuple[Decoded, ...]:
        """Leave out what Redis knows to be committed; whatever it forgot, the journal finds.

        Asked only about ids that are older than their record, as those of repetitions are (but one that is
        sent at once, which costs the journal a look). Asked for each try, under the history of the very
        connection that will commit: after a failover that lost commits, what was said of them is not believed.
        """
        if self._dedup is None:
            return entries
        keys = [(e.id, e.account_id) for e in entries if isinstance(e, Received) and _may_be_repeated(e)]
        if not keys:
            return entries
        seen = await self._dedup.seen(self._history, keys)
        return tuple(e for e in entries if not (isinstance(e, Received) and (e.id, e.account_id) in seen))

    async def _conflict(self, conflict: BaseException, count: int) -> None:
        metrics.BATCH_RETRIES.labels(lane=self._lane.name, cause="conflict").inc()
        log.info("batch_conflict", lane=self._lane.name, error=type(conflict).__name__, count=count)
        await asyncio.sleep(0 if count <= MAX_CONFLICTS else random.uniform(0.05, 0.5))  # noqa: S311

    async def _surprised(self, error: Exception) -> None:
        """Nobody is suspected for what happened once: a message that stands alone is tried again first."""
        metrics.BATCH_RETRIES.labels(lane=self._lane.name, cause="surprise").inc()
        log.warning("message_tried_again", lane=self._lane.name, error=type(error).__name__)
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None
        await asyncio.sleep(random.uniform(0.05, 0.2))  # noqa: S311

    async def _store_down(self, down: BaseException, count: int) -> None:
        """Whether the commit went through is unknown: the fence of the next try will tell."""
        metrics.BATCH_RETRIES.labels(lane=self._lane.name, cause="store_down").inc()
        self._paused.set(1)
        delay = min(MAX_BACKOFF, 0.05 * 2**count) * random.uniform(0.5, 1)  # noqa: S311
        log.warning("store_down", lane=self._lane.name, error=type(down).__name__, retry_in=round(delay, 2))
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None
        await asyncio.sleep(delay)

    async def _divide(self, batch: Batch, error: BaseException, wanted: Callable[[], bool]) -> list[Result]:
        """Halve until the one bad message stands alone, then apply it as one to be parked."""
        metrics.BATCH_RETRIES.labels(lane=self._lane.name, cause="bisect").inc()
        if len(batch.entries) > 1:
            left, right = halves(batch)
            done = await self._apply(left, wanted, patience=_patience_with(left))
            if any(result.fenced for result in done):
                # Not tried any more: its cursors are to be looked up like those that were refused.
                return [*done, Result(frozenset(span.partition for span in right.spans))]
            return done + await self._apply(right, wanted, patience=_patience_with(right))
        (entry,) = batch.entries or (None,)
        if not isinstance(entry, Received):
            raise error
        suspicion = _suspicion(entry, batch.suspicion, error)
        if suspicion is None:
            raise error
        log.error(
            "message_suspected", lane=self._lane.name, command_id=str(entry.id), error=type(error).__name__
        )
        return await self._apply(replace(batch, suspicion=suspicion), wanted, patience=PATIENCE)


def _suspicion(entry: Received, former: Suspicion, error: BaseException) -> Suspicion | None:
    """How to try a message again that fails alone; None when nothing is left to try."""
    errors = {entry.id: f"{type(error).__name__} while saving"}
    if isinstance(entry.message, ReleaseParked) and former.release_at_most != 0:
        return Suspicion(errors, SMALLER_RELEASE[former.release_at_most])
    return None if former.errors else Suspicion(errors)


def _may_be_repeated(received: Received) -> bool:
    return received.record.timestamp_ms - uuid7_ms(received.id) > FRESH_MS


def divisible(batch: Batch, error: BaseException) -> bool:
    """Whether there is a smaller or another way to try the batch."""
    if len(batch.entries) > 1:
        return True
    (entry,) = batch.entries or (None,)
    return isinstance(entry, Received) and _suspicion(entry, batch.suspicion, error) is not None


def _patience_with(part: Batch) -> int:
    """A part of a batch that was too slow is divided on at once; nobody is suspected for being slow once."""
    return 1 if len(part.entries) > 1 else PATIENCE


def halves(batch: Batch) -> tuple[Batch, Batch]:
    """Two batches that together move the same cursors by the same way."""
    middle = len(batch.entries) // 2
    first = batch.entries[middle].record
    before = {entry.record.partition for entry in batch.entries[:middle]}
    after = {entry.record.partition for entry in batch.entries[middle:]}
    left: list[Span] = []
    right: list[Span] = []
    for span in batch.spans:
        if span.partition in before and span.partition in after:
            left.append(replace(span, stop=first.offset))
            right.append(replace(span, start=first.offset))
        elif span.partition in after:
            right.append(span)
        else:
            left.append(span)
    return Batch(tuple(left), batch.entries[:middle]), Batch(tuple(right), batch.entries[middle:])
