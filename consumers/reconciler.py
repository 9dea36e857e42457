"""The reconciler: from events to owed syncs of Stripe customers, and to who shares one.

Level-triggered: an event only says which account to look at, so a batch becomes one set of coalesced
effects, and reading it twice asks for nothing new. FastStream reads the topic under the one policy that
loses nothing when used like this: manual, with a handler that never raises but tries until the store has
it, and that commits the offsets of its own batch explicitly (docs/decisions/0001-faststream-acknowledgement.md).
"""

import asyncio
import logging
import random
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final

import structlog
from aiokafka import ConsumerRecord, TopicPartition
from faststream import AckPolicy
from faststream.kafka import KafkaBroker
from faststream.kafka.message import FAKE_CONSUMER, KafkaMessage

from consumers.header_names import tolerate_odd_header_names
from consumers.offsets import Offsets
from consumers.reconciler_gauges import ReconcilerGauges
from consumers.stripe_notices import noticed
from consumers.stripe_owed import owe
from observability import metrics
from observability.crash import crash_point
from state.postgres.connection import RETRY_NOW, STORE_DOWN, Connection, connect
from topics.message import Record
from topics.table import EVENTS

log = structlog.get_logger()

LANE: Final = "reconciler"
GROUP: Final = "billing.reconciler"
BATCH: Final = 500
BATCH_TIMEOUT_MS: Final = 100
MAX_BACKOFF: Final = 5.0
GAUGE_SECONDS: Final = 5.0

Batch = tuple["ConsumerRecord[bytes, bytes]", ...]


class Reconciler:
    """Host `broker` in an application beside `run`; the broker is stopped before `stop` is called."""

    def __init__(
        self, *, dsn: str, bootstrap: str, client_id: str, topic: str = EVENTS.name, group: str = GROUP
    ) -> None:
        tolerate_odd_header_names()
        self._dsn = dsn
        self._connection: Connection | None = None
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
            await owe(await self._connected(), notices, self._gauges.group)
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

    async def _commit(self, records: Sequence[Record]) -> None:
        """Commit this batch's own offsets; refused ones cost a second reading, which changes nothing."""
        consumer = self._subscriber.consumer
        following = {TopicPartition(record.topic, record.partition): record.offset + 1 for record in records}
        owned = frozenset() if consumer is None else consumer.assignment()
        told = {tp: offset for tp, offset in following.items() if tp in owned}
        if consumer is None or not await self._offsets.commit(consumer, told):
            log.info("reconciler_offsets_not_taken")
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


def _record(found: "ConsumerRecord[bytes, bytes]") -> Record:
    return Record(
        found.topic, found.partition, found.offset, found.timestamp, found.key, found.value, found.headers
    )


async def _as_it_came(batch: Batch) -> KafkaMessage:
    """FastStream's own parser decodes every header, and loses a batch in which one is not text."""
    return KafkaMessage(body=b"", raw_message=batch, consumer=FAKE_CONSUMER)


async def _untouched(message: KafkaMessage) -> object:
    return message.raw_message
