"""The webhooks member: resolves a processor's customer to its account and hands the fact on; decides nothing else.

A webhook whose customer no account is linked to waits in PostgreSQL, because our own commit may be later than
the webhook; after some minutes it is a dead letter that somebody has to look at. Reading a batch twice names
every fact as before, and the lane of facts drops what it knows.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Final

import structlog

from consumers.dead_letters import count as count_dead
from consumers.dead_letters import letter
from consumers.fact_producer import FactProducer
from consumers.light import LightConsumer
from consumers.thin_events import owed
from consumers.webhook_facts import Sorted, Understood, sort, understand
from consumers.webhook_reading import Thin, Told
from observability import metrics
from observability.crash import crash_point
from state.postgres import effects, outbox, waiting_webhooks
from state.postgres.connection import RETRY_NOW, STORE_DOWN, Connection
from state.postgres.effects import EffectRow
from state.postgres.lending import Connections
from topics.codec import Reason, Rejected
from topics.message import Record
from topics.table import BRAINTREE_WEBHOOKS, FACTS, STRIPE_WEBHOOKS

log = structlog.get_logger()

LANE: Final = "webhooks"
GROUP: Final = "billing.webhooks"
BATCH_TIMEOUT_MS: Final = 20
LOOK_SECONDS: Final = 1.0
TAKEN_AT_ONCE: Final = 500
PATIENCE: Final = timedelta(minutes=15)
"""How long a webhook waits for its account: far longer than the slowest of our own ways to link a customer."""


class Webhooks:
    """Host `broker` in an application beside `run`; the broker is stopped before `stop` is called."""

    def __init__(
        self,
        *,
        dsn: str,
        bootstrap: str,
        client_id: str,
        topics: Sequence[str] = (STRIPE_WEBHOOKS.name, BRAINTREE_WEBHOOKS.name),
        facts: str = FACTS.name,
        group: str = GROUP,
        patience: timedelta = PATIENCE,
    ) -> None:
        self._store, self._group = Connections(dsn, name=LANE, size=2), group
        self._facts = FactProducer(bootstrap, client_id=client_id, topic=facts)
        self._late_topic, self._patience = facts, patience
        self._stopping = asyncio.Event()
        self._consumer = LightConsumer(
            self.hand_on,
            lane=LANE,
            topics=topics,
            group=group,
            bootstrap=bootstrap,
            client_id=client_id,
            wait_ms=BATCH_TIMEOUT_MS,
        )
        self.broker = self._consumer.broker

    async def run(self) -> None:
        """Look after those that wait until `stop`, then close what was used."""
        try:
            while not self._stopping.is_set():
                await self._consumer.report()
                await self._look()
                with suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_SECONDS):
                        await self._stopping.wait()
        finally:
            await self._facts.close()
            await self._store.close()

    @property
    def polled_at(self) -> float:
        """When it last read."""
        return self._consumer.polled_at

    def stop(self) -> None:
        """Leave `run`."""
        self._stopping.set()

    # --- a batch -------------------------------------------------------------------------------

    async def hand_on(self, records: Sequence[Record]) -> None:
        """Publish the facts in a batch of webhooks, then put on record what has to wait or can't be read.

        In this order, because a fact that is published again is a duplicate by its id, and a letter is not.
        Raises what a store raises; then it is done again.
        """
        found = understand(records)
        async with self._store.acquire() as connection:
            sorted_ = await _sorted(connection, found)
            looks, unknown = await _looks(connection, found.thin)
        await self._facts.publish(sorted_.facts)
        crash_point("webhooks.published")
        waiting: list[tuple[Record, Told | Thin]] = [*sorted_.waiting, *unknown]
        await self._keep(found, waiting, looks)
        _count("ignored", found.ignored)
        _count("fact", Counter(one.envelope.actor.id for one in sorted_.facts))
        _count("waiting", Counter(one.source for _, one in waiting))
        for rejected in found.rejected:
            count_dead(LANE, rejected.reason, rejected.record.topic)
        crash_point("webhooks.handed_on")

    async def _keep(
        self, found: Understood, unknown: Sequence[tuple[Record, Told | Thin]], looks: Sequence[EffectRow]
    ) -> None:
        rows = [
            waiting_webhooks.row(one.source, one.event_id, one.type, one.owner, record)
            for record, one in unknown
        ]
        letters = [letter(rejected, self._group) for rejected in found.rejected]
        if not (rows or letters or looks):
            return
        async with self._store.acquire() as connection, connection.transaction():
            await waiting_webhooks.wait(connection, rows)
            await outbox.add(connection, letters)
            await effects.add(connection, looks)

    # --- those that wait -----------------------------------------------------------------------

    async def _look(self) -> None:
        """Hand on those whose customer has an account by now; give up those that waited for too long."""
        try:
            while await self._released():
                pass
            async with self._store.acquire() as connection:
                backlog = await waiting_webhooks.backlog(connection)
        except (*STORE_DOWN, *RETRY_NOW) as down:
            log.warning("waiting_webhooks_unread", error=type(down).__name__)
            return
        for source in ("stripe", "braintree"):
            depth, oldest = backlog.get(source, (0, 0.0))
            metrics.WEBHOOKS_WAITING.labels(source=source).set(depth)
            metrics.WEBHOOKS_WAITING_OLDEST_SECONDS.labels(source=source).set(oldest)

    async def _released(self) -> int:
        """Some of them. They leave the table in the transaction that owes their fact or their letter."""
        async with self._store.acquire() as connection, connection.transaction():
            records = await waiting_webhooks.take(connection, patience=self._patience, limit=TAKEN_AT_ONCE)
            if not records:
                return 0
            found = understand(records)
            sorted_ = await _sorted(connection, found)
            looks, unknown = await _looks(connection, found.thin)
            await effects.add(connection, looks)
            waiting: list[tuple[Record, Told | Thin]] = [*sorted_.waiting, *unknown]
            orphans = [_orphan(record, one.type) for record, one in waiting]
            letters = [letter(one, self._group) for one in orphans]
            late = [outbox.message_row(self._late_topic, one.envelope, one.fact) for one in sorted_.facts]
            await outbox.add(connection, [*letters, *late])
            crash_point("webhooks.released")
        for orphan in orphans:
            count_dead(LANE, orphan.reason, orphan.record.topic)
        _count("fact", Counter(one.envelope.actor.id for one in sorted_.facts))
        _count("dead", Counter(one.source for _, one in waiting))
        return len(records)


async def _sorted(connection: Connection, found: Understood) -> Sorted:
    holders = await waiting_webhooks.holders(connection, found.customers)
    tokens = found.tokens
    return sort(found.told, holders, await waiting_webhooks.payers(connection, tokens) if tokens else {})


def _orphan(record: Record, kind: str) -> Rejected:
    return Rejected(record, Reason.UNKNOWN_CUSTOMER, f"no account has the customer or object of {kind}")


async def _looks(
    connection: Connection, thin: Sequence[tuple[Record, Thin]]
) -> tuple[list[EffectRow], list[tuple[Record, Thin]]]:
    """What is owed for events that show no object, and those whose object nobody knows."""
    if not thin:
        return [], []
    owners = await waiting_webhooks.owners(connection, [one.object_id for _, one in thin])
    looks = [row for _, one in thin for row in owed(one, owners.get(one.object_id, ()))]
    return looks, [(record, one) for record, one in thin if one.object_id not in owners]


def _count(result: str, sources: Counter[str]) -> None:
    for source, count in sources.items():
        metrics.WEBHOOK_FACTS.labels(source=source, result=result).inc(count)
