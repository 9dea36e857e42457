"""The reconciler: from events to owed syncs of Stripe customers, and to who shares one.

Level-triggered: an event only says which account to look at, so a batch becomes one set of coalesced
effects, and reading it twice asks for nothing new. FastStream reads the topic under the one policy that
loses nothing when used like this: manual, with a handler that never raises but tries until the store has
it, and that commits the offsets of its own batch explicitly (docs/decisions/faststream-acknowledgement.md).
"""

import asyncio
import logging
import random
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Final

import structlog
from aiokafka import ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError
from faststream import AckPolicy
from faststream.kafka import KafkaBroker
from faststream.kafka.message import FAKE_CONSUMER, KafkaMessage
from uuid6 import uuid7

from consumers.dead_letters import letter
from consumers.performers.stripe_sync import sync_row
from consumers.reconciler_gauges import ReconcilerGauges
from consumers.stripe_notices import Notices, noticed
from observability import metrics
from observability.crash import crash_point
from state.postgres import effects, outbox, stripe_customers
from state.postgres.connection import RETRY_NOW, STORE_DOWN, Connection, connect
from state.postgres.stripe_customers import Holders
from topics.message import Actor, Envelope, Record, Role
from topics.stripe_customers import StripeCustomerShared
from topics.table import EVENTS, FACTS

log = structlog.get_logger()

LANE: Final = "reconciler"
GROUP: Final = "billing.reconciler"
ACTOR: Final = Actor(LANE, Role.SYSTEM, "/reconciler")
BATCH: Final = 500
BATCH_TIMEOUT_MS: Final = 100
COMMIT_SECONDS: Final = 5.0
MAX_BACKOFF: Final = 5.0
GAUGE_SECONDS: Final = 5.0

Batch = tuple["ConsumerRecord[bytes, bytes]", ...]


class Reconciler:
    """Host `broker` in an application beside `run`; the broker is stopped before `stop` is called."""

    def __init__(
        self, *, dsn: str, bootstrap: str, client_id: str, topic: str = EVENTS.name, group: str = GROUP
    ) -> None:
        self._dsn = dsn
        self._connection: Connection | None = None
        self._stopping = asyncio.Event()
        self._gauges = ReconcilerGauges(group)
        self.broker = KafkaBroker(
            bootstrap,
            client_id=client_id,
            allow_auto_create_topics=False,
            logger=logging.getLogger("faststream"),
        )
        self._subscriber = self.broker.subscriber(
            topic,
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
        self._subscriber(self.reconcile)

    async def run(self) -> None:
        """Report lag until `stop`, then close what the handler used."""
        try:
            while not self._stopping.is_set():
                self._gauges.report(self._subscriber.consumer)
                with suppress(TimeoutError):
                    async with asyncio.timeout(GAUGE_SECONDS):
                        await self._stopping.wait()
        finally:
            await self._disconnect()

    def stop(self) -> None:
        """Leave `run`."""
        self._stopping.set()

    async def reconcile(self, batch: Any) -> None:
        """Owe what a batch of events asks for, however long the store is away; then tell Kafka.

        Never raises: what is left undone because the process stops is read again.
        """
        records = [_record(found) for found in batch]
        failures = 0
        with self._gauges.working(records):
            while not await self._stored(records):
                failures += 1
                if not self._subscriber.running:
                    return
                await asyncio.sleep(min(MAX_BACKOFF, 0.05 * 2**failures) * random.uniform(0.5, 1))  # noqa: S311
        crash_point("reconciler.stored")
        await self._commit(records)

    async def _stored(self, records: Sequence[Record]) -> bool:
        notices = noticed(records)
        try:
            await self._store(notices)
        except (*STORE_DOWN, *RETRY_NOW) as down:
            log.warning("reconciler_store_down", error=type(down).__name__)
            await self._disconnect()
            return False
        except Exception:
            # The batch stays where it is, the lag grows and the alarm with it: nothing is passed over.
            log.exception("reconciler_failed")
            await self._disconnect()
            return False
        for rejected in notices.rejected:
            metrics.DEAD_LETTERS.labels(lane=LANE, reason=rejected.reason.value).inc()
        return True

    async def _store(self, notices: Notices) -> None:
        """One transaction: effects, facts and dead letters, or none of them."""
        now = datetime.now(UTC)
        rows = [
            sync_row(account_id, cause=notice.cause, now=now, force=notice.forced)
            for account_id, notice in notices.accounts.items()
        ]
        letters = [letter(rejected, self._gauges.group) for rejected in notices.rejected]
        connection = await self._connected()
        async with connection.transaction():
            facts = await _sharing(connection, notices)
            if rows:
                await effects.add(connection, rows)
            if letters or facts:
                await outbox.add(connection, [*letters, *facts])
            crash_point("reconciler.before_commit")

    async def _commit(self, records: Sequence[Record]) -> None:
        """Commit this batch's own offsets; refused ones cost a second reading, which changes nothing."""
        consumer = self._subscriber.consumer
        following = {TopicPartition(record.topic, record.partition): record.offset + 1 for record in records}
        try:
            async with asyncio.timeout(COMMIT_SECONDS):
                if consumer is not None:
                    owned = consumer.assignment()
                    await consumer.commit({tp: offset for tp, offset in following.items() if tp in owned})
        except (KafkaError, TimeoutError) as refused:
            log.info("reconciler_offsets_refused", error=type(refused).__name__)
            metrics.COMMIT_FAILURES.labels(lane=LANE).inc()
        self._gauges.done(following)

    async def _connected(self) -> Connection:
        if self._connection is None or self._connection.is_closed():
            self._connection = await connect(self._dsn, name=LANE)
        return self._connection

    async def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.terminate()


async def _sharing(connection: Connection, notices: Notices) -> list[outbox.OutboxRow]:
    """Who shares the customers that were linked or left: told to every account concerned."""
    asked = sorted(notices.customers.keys() | notices.left.keys())
    if not asked:
        return []
    await stripe_customers.lock_customers(connection, asked)
    found = await stripe_customers.holders(connection, asked)
    return [
        _shared(
            account_id,
            customer_id,
            holders,
            notices.left.get(customer_id) or notices.customers.get(customer_id),
        )
        for customer_id, holders in found.items()
        if len(holders.accounts) > 1 or customer_id in notices.left
        for account_id in holders.accounts
    ]


def _shared(account_id: str, customer_id: str, holders: Holders, cause: str | None) -> outbox.OutboxRow:
    fact = StripeCustomerShared(customer_id=customer_id, accounts=len(holders.accounts), as_of=holders.as_of)
    return outbox.message_row(
        FACTS.name, Envelope(uuid7(), fact.type, account_id, ACTOR, causation_id=cause), fact
    )


def _record(found: "ConsumerRecord[bytes, bytes]") -> Record:
    return Record(
        found.topic, found.partition, found.offset, found.timestamp, found.key, found.value, found.headers
    )


async def _as_it_came(batch: Batch) -> KafkaMessage:
    """FastStream's own parser decodes every header, and loses a batch in which one is not text."""
    return KafkaMessage(body=b"", raw_message=batch, consumer=FAKE_CONSUMER)


async def _untouched(message: KafkaMessage) -> object:
    return message.raw_message
