"""The webhooks member: resolves a processor's customer to its account and hands the fact on; decides nothing else.

A webhook whose customer no account is linked to waits in PostgreSQL, because our own commit may be later than
the webhook; after some minutes it is a dead letter that somebody has to look at. Reading a batch twice names
every fact as before, and the lane of facts drops what it knows.
"""

import asyncio
import logging
import random
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any, Final

import structlog
from aiokafka import ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError
from faststream import AckPolicy
from faststream.kafka import KafkaBroker
from faststream.kafka.message import FAKE_CONSUMER, KafkaMessage

from consumers.dead_letters import letter
from consumers.fact_producer import FactProducer
from consumers.header_names import tolerate_odd_header_names
from consumers.offsets import Offsets
from consumers.reconciler_gauges import ReconcilerGauges
from consumers.thin_events import owed
from consumers.webhook_facts import Sorted, Understood, sort, understand
from consumers.webhook_reading import STRIPE, Thin
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
BATCH: Final = 500
BATCH_TIMEOUT_MS: Final = 20
MAX_BACKOFF: Final = 5.0
LOOK_SECONDS: Final = 1.0
TAKEN_AT_ONCE: Final = 500
PATIENCE: Final = timedelta(minutes=15)
"""How long a webhook waits for its account: far longer than the slowest of our own ways to link a customer."""

Batch = tuple["ConsumerRecord[bytes, bytes]", ...]
_DOWN: Final = (*STORE_DOWN, *RETRY_NOW, KafkaError)


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
        tolerate_odd_header_names()
        self._store = Connections(dsn, name=LANE, size=2)
        self._facts = FactProducer(bootstrap, client_id=client_id, topic=facts)
        self._late_topic, self._patience = facts, patience
        self._offsets = Offsets()
        self._stopping = asyncio.Event()
        self._gauges = ReconcilerGauges(group)
        self.broker = KafkaBroker(
            bootstrap,
            client_id=client_id,
            allow_auto_create_topics=False,
            logger=logging.getLogger("faststream"),
        )
        self._subscriber = self.broker.subscriber(
            *topics,
            group_id=group,
            batch=True,
            ack_policy=AckPolicy.MANUAL,
            auto_offset_reset="earliest",
            max_records=BATCH,
            batch_timeout_ms=BATCH_TIMEOUT_MS,
            rebalance_timeout_ms=30_000,
            parser=_as_it_came,
            decoder=_untouched,
            include_in_schema=False,
        )
        self._subscriber(self.take)

    async def run(self) -> None:
        """Look after those that wait until `stop`, then close what was used."""
        try:
            while not self._stopping.is_set():
                self._gauges.report(self._subscriber.consumer)
                await self._look()
                with suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_SECONDS):
                        await self._stopping.wait()
        finally:
            await self._facts.close()
            await self._store.close()

    def stop(self) -> None:
        """Leave `run`."""
        self._stopping.set()

    async def take(self, batch: Any) -> None:
        """Hand on a batch, however long a store is away; then tell Kafka.

        Never raises: what is left undone because the process stops is read again.
        """
        records = [_record(found) for found in batch]
        failures = 0
        with self._gauges.working(records):
            while not await self._handed_on(records):
                failures += 1
                if not self._subscriber.running:
                    return
                await asyncio.sleep(min(MAX_BACKOFF, 0.05 * 2**failures) * random.uniform(0.5, 1))  # noqa: S311
        crash_point("webhooks.handed_on")
        await self._commit(records)

    # --- a batch -------------------------------------------------------------------------------

    async def _handed_on(self, records: Sequence[Record]) -> bool:
        found = understand(records)
        try:
            sorted_ = await self._sorted(found)
            await self._facts.publish(sorted_.facts)
        except _DOWN as down:
            log.warning("webhooks_wait", error=type(down).__name__)
            return False
        except Exception:
            # The batch stays where it is, the lag grows and the alarm with it: nothing is passed over.
            log.exception("webhooks_failed")
            return False
        _count(found, sorted_)
        return True

    async def _sorted(self, found: Understood) -> Sorted:
        """Whose each is. What has to wait, or can't be read, is on record before the offsets are told."""
        async with self._store.acquire() as connection:
            holders = await waiting_webhooks.holders(connection, found.customers)
            sorted_ = sort(found.told, holders)
            looks, unknown = await _looks(connection, found.thin)
            rows = [
                waiting_webhooks.row(one.source, one.event_id, one.type, one.customer_id, record)
                for record, one in sorted_.waiting
            ] + [
                waiting_webhooks.row(STRIPE, one.event_id, one.type, one.object_id, record)
                for record, one in unknown
            ]
            letters = [letter(rejected, self._gauges.group) for rejected in found.rejected]
            if rows or letters or looks:
                async with connection.transaction():
                    await waiting_webhooks.wait(connection, rows)
                    await outbox.add(connection, letters)
                    await effects.add(connection, looks)
        crash_point("webhooks.sorted")
        return sorted_

    # --- those that wait -----------------------------------------------------------------------

    async def _look(self) -> None:
        """Hand on those whose customer has an account by now; give up those that waited for too long."""
        try:
            while await self._released():
                pass
            async with self._store.acquire() as connection:
                backlog = await waiting_webhooks.backlog(connection)
        except _DOWN as down:
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
            sorted_ = sort(found.told, await waiting_webhooks.holders(connection, found.customers))
            looks, unknown = await _looks(connection, found.thin)
            await effects.add(connection, looks)
            orphans = [
                *(_orphan(record, one.type) for record, one in sorted_.waiting),
                *(_orphan(record, one.type) for record, one in unknown),
            ]
            letters = [letter(one, self._gauges.group) for one in orphans]
            late = [outbox.message_row(self._late_topic, one.envelope, one.fact) for one in sorted_.facts]
            await outbox.add(connection, [*letters, *late])
            crash_point("webhooks.released")
        metrics.DEAD_LETTERS.labels(lane=LANE, reason=Reason.UNKNOWN_CUSTOMER.value).inc(len(orphans))
        return len(records)

    async def _commit(self, records: Sequence[Record]) -> None:
        """Commit this batch's own offsets; refused ones cost a second reading, which changes nothing."""
        consumer = self._subscriber.consumer
        following = {TopicPartition(record.topic, record.partition): record.offset + 1 for record in records}
        owned = frozenset() if consumer is None else consumer.assignment()
        told = {tp: offset for tp, offset in following.items() if tp in owned}
        if consumer is None or not await self._offsets.commit(consumer, told):
            metrics.COMMIT_FAILURES.labels(lane=LANE).inc()
        self._gauges.done(following)


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


def _count(found: Understood, sorted_: Sorted) -> None:
    sources = Counter(one.envelope.actor.id for one in sorted_.facts)
    for source, count in sources.items():
        metrics.WEBHOOK_FACTS.labels(source=source, result="fact").inc(count)
    for _, waiting in sorted_.waiting:
        metrics.WEBHOOK_FACTS.labels(source=waiting.source, result="waiting").inc()
    for rejected in found.rejected:
        metrics.DEAD_LETTERS.labels(lane=LANE, reason=rejected.reason.value).inc()


def _record(found: "ConsumerRecord[bytes, bytes]") -> Record:
    return Record(
        found.topic, found.partition, found.offset, found.timestamp, found.key, found.value, found.headers
    )


async def _as_it_came(batch: Batch) -> KafkaMessage:
    """FastStream's own parser decodes every header, and loses a batch in which one is not text."""
    return KafkaMessage(body=b"", raw_message=batch, consumer=FAKE_CONSUMER)


async def _untouched(message: KafkaMessage) -> object:
    return message.raw_message
