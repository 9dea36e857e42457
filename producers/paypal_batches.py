"""The `paypal-batches` member: asks one account of a batch after the other to have its PayPal methods moved.

A command's id follows from the batch and the account, so whoever follows a member that was killed publishes
duplicates, which come to nothing. Nothing is asked of anybody while the batch, or all of them, is stopped.
"""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, time, timedelta
from typing import Final
from uuid import UUID

import structlog

from handlers.paypal_batches import LIFE
from observability.crash import crash_point
from observability.metrics import PAYPAL_METHODS, SCHEDULED
from producers.publisher import Publisher
from producers.rounds import go_round
from producers.trace import traceparent
from state.postgres import paypal_batches, paypal_migrations
from state.postgres.connection import OVER_TIME, Connection
from state.postgres.lending import Connections
from state.postgres.paypal_batches import Run
from topics.codec import encode_body
from topics.ids import derived_uuid7
from topics.message import Actor, Command, Envelope, Role
from topics.paypal_migrations import MigratePayPal, MigrationState, ReviewPayPalMigrations
from topics.table import BULK

log = structlog.get_logger()

ACTOR: Final = Actor("paypal-batches", Role.SYSTEM, "/paypal-batches")
LEASE: Final = timedelta(seconds=30)
NONE: Final = timedelta(0)
POLL: Final = timedelta(seconds=1)
PAUSE: Final = timedelta(seconds=5)
PORTION: Final = 100
IN_HAND: Final = 400
"""Methods under way at which no more accounts are asked: so many may still move once a batch is stopped."""
REVIEW_EVERY: Final = timedelta(hours=1)
GAUGE_EVERY: Final = timedelta(seconds=10)
PAGE: Final = 500


class PayPalBatches:
    """Asks the accounts of all batches, in one process at a time. `run` returns after `stop`."""

    def __init__(
        self,
        *,
        dsn: str,
        bootstrap: str,
        worker: str,
        topic: str = BULK.name,
        poll: timedelta = POLL,
        review_every: timedelta = REVIEW_EVERY,
    ) -> None:
        self._store = Connections(dsn, name="paypal-batches", size=1)
        self._bootstrap, self._worker, self._topic = bootstrap, worker, topic
        self._poll, self._review_every = poll, review_every
        self._stopping = asyncio.Event()
        self._review_at = self._gauge_at = datetime.min.replace(tzinfo=UTC)

    async def run(self) -> None:
        """Go on until stopped; a store that is away is tried again."""
        try:
            async with Publisher(self._bootstrap, client_id=f"paypal-batches-{self._worker}") as publisher:

                async def once() -> timedelta:
                    return NONE if await self.round(publisher, datetime.now(UTC)) else self._poll

                await go_round(once, self._stopping, name="paypal-batches", retry=PAUSE)
        finally:
            await self.close()

    async def close(self) -> None:
        """Close what was used without `run`."""
        await self._store.close()

    def stop(self) -> None:
        """Leave `run` after the portion under way."""
        self._stopping.set()

    async def round(self, publisher: Publisher, now: datetime) -> bool:
        """Ask the next portion of a batch, and now and then those that wait for a payment; whether it did something.

        Raises `NotPublishedError` and what PostgreSQL raises.
        """
        await self._now_and_then(publisher, now)
        async with self._store.acquire() as connection:
            run = await paypal_batches.take(connection, self._worker, lease=LEASE, within=LIFE)
            if run is None or await paypal_batches.halted(connection, run.batch):
                return False
            asked = await paypal_batches.unpublished(connection, run.batch)
            if not asked and (planned := await self._planned(connection, run)) is None:
                return False
            asked = asked or planned or {}
        await asyncio.gather(*(self._ask(publisher, run, *one) for one in asked.items()))
        crash_point("paypal.asked")
        async with self._store.acquire() as connection:
            await paypal_batches.published(connection, run.batch, list(asked))
        return True

    async def _planned(self, connection: Connection, run: Run) -> dict[str, UUID] | None:
        """The next portion, on record; none when the batch is through.

        None while enough is in hand, and for a member that was asleep: whoever has its lease by now asks.
        """
        await paypal_batches.decide(connection, run.batch)
        room = min(PORTION, IN_HAND - await paypal_batches.under_way(connection, run.batch))
        left = run.cap - run.asked
        if room <= 0 < left:
            return None
        following = await paypal_batches.following(connection, run, min(room, left)) if left > 0 else []
        asked = {account_id: self._id(run, account_id) for account_id in following}
        ours = await paypal_batches.plan(
            connection, run, self._worker, asked, lease=LEASE, finished=not following
        )
        crash_point("paypal.planned")
        return asked if ours else None

    async def _now_and_then(self, publisher: Publisher, now: datetime) -> None:
        if now >= self._gauge_at:
            await self._gauge()
            self._gauge_at = now + GAUGE_EVERY
        if now >= self._review_at:
            await self.review(publisher, now)
            self._review_at = now + self._review_every

    @staticmethod
    def _id(run: Run, account_id: str) -> UUID:
        moment = int(run.created_on.timestamp() * 1000)
        return derived_uuid7(moment, MigratePayPal.type.encode(), run.batch.encode(), account_id.encode())

    async def _ask(self, publisher: Publisher, run: Run, account_id: str, command_id: UUID) -> None:
        command = MigratePayPal(batch=run.batch, dry_run=run.dry_run)
        await self._publish(publisher, account_id, command, command_id, cause=run.batch)

    async def review(self, publisher: Publisher, now: datetime) -> int:
        """Have those looked at that wait for their first payment, each once a day; gives how many accounts."""
        moment = int(datetime.combine(now.date(), time(), UTC).timestamp() * 1000)
        command, published = ReviewPayPalMigrations(), 0
        async for page in self._waiting():
            ids = {one: derived_uuid7(moment, command.type.encode(), one.encode()) for one in page}
            await asyncio.gather(*(self._publish(publisher, one, command, ids[one]) for one in page))
            published += len(page)
            if self._stopping.is_set():
                break
        SCHEDULED.labels(type=command.type).inc(published)
        return published

    async def _waiting(self) -> AsyncIterator[list[str]]:
        after = ""
        while True:
            async with self._store.acquire() as connection:
                page = await paypal_migrations.waiting(connection, after=after, limit=PAGE)
            if page:
                yield page
            if len(page) < PAGE:
                return
            after = page[-1]

    async def _publish(
        self,
        publisher: Publisher,
        account_id: str,
        command: Command,
        command_id: UUID,
        *,
        cause: str | None = None,
    ) -> None:
        envelope = Envelope(
            command_id,
            command.type,
            account_id,
            ACTOR,
            causation_id=cause,
            traceparent=traceparent(None),
        )
        await publisher.publish(self._topic, envelope, encode_body(command))

    async def _gauge(self) -> None:
        """The whole table is counted. Where that takes too long, the batches go on without."""
        try:
            async with self._store.acquire() as connection:
                standing = await paypal_migrations.standing(connection)
        except OVER_TIME as slow:
            log.warning("paypal_methods_not_counted", error=type(slow).__name__)
            return
        for state in MigrationState:
            PAYPAL_METHODS.labels(state=state.value).set(standing.get(state.value, 0))
