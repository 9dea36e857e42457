"""A light consumer: batches by FastStream, each worked off for as long as it takes, then told to Kafka.

FastStream reads under the one policy that loses nothing when used like this: manual, with a handler that never
raises but tries until the work is done, and that commits the offsets of its own batch explicitly
(docs/decisions/0001-faststream-acknowledgement.md). Whatever works like this must bear being done twice.
"""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

import structlog
from aiokafka import ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError
from faststream import AckPolicy
from faststream.kafka import KafkaBroker
from faststream.kafka.message import FAKE_CONSUMER, KafkaMessage
from faststream.kafka.subscriber.usecase import BatchSubscriber

from consumers.header_names import tolerate_odd_header_names
from consumers.light_gauges import LightGauges
from consumers.light_reading import BATCH, Batch, LightReading
from consumers.light_rebalances import LightRebalances
from consumers.offsets import Offsets
from consumers.reached import ReaderBrokenError, reading_ended
from observability import metrics
from state.postgres.connection import RETRY_NOW, STORE_DOWN
from topics.message import Record

log = structlog.get_logger()

MAX_BACKOFF: Final = 5.0

Work = Callable[[Sequence[Record]], Awaitable[None]]


class LightConsumer:
    """Host `broker` in an application. `lane` names it in metrics and logs, `wait_ms` lets a batch gather."""

    def __init__(
        self,
        work: Work,
        *,
        lane: str,
        topics: Sequence[str],
        group: str,
        bootstrap: str,
        client_id: str,
        wait_ms: int,
    ) -> None:
        tolerate_odd_header_names()
        self._work, self._lane = work, lane
        self._offsets, self._gauges = Offsets(), LightGauges(lane, group)
        self._reading = LightReading(group, wait_ms=wait_ms)
        self.broker = KafkaBroker(
            bootstrap,
            client_id=client_id,
            allow_auto_create_topics=False,
            logger=logging.getLogger("faststream"),
        )
        self._subscriber = _subscriber(self.broker, topics, group, wait_ms, LightRebalances(lane))
        # FastStream's own way to read loses records when a call fails half-way.
        self._subscriber.get_msg = self._reading.batch  # type: ignore[method-assign]
        self._subscriber(self.take)

    @property
    def polled_at(self) -> float:
        """When records were last asked for, and an answer came; it is not done while a batch is in hand."""
        return self._reading.polled_at

    async def report(self) -> None:
        """Set the gauges of lag. Raises `ReaderBrokenError`, which ends the process."""
        consumer = self._subscriber.consumer if self._subscriber.running else None
        if consumer is not None and reading_ended(consumer):
            raise ReaderBrokenError("the client does not fetch any more")
        await self._gauges.report(consumer)

    async def take(self, batch: Any) -> None:
        """Work a batch off, however long a store is away; then tell Kafka.

        Never raises: what is left undone because the process stops is read again.
        """
        records = [_record(found) for found in batch]
        failures = 0
        with self._gauges.working(records):
            while not await self._done(records):
                failures += 1
                if not self._subscriber.running:
                    return
                await asyncio.sleep(min(MAX_BACKOFF, 0.05 * 2**failures) * random.uniform(0.5, 1))  # noqa: S311
        await self._commit(records)

    async def _done(self, records: Sequence[Record]) -> bool:
        try:
            await self._work(records)
        except (*STORE_DOWN, *RETRY_NOW, KafkaError) as down:
            log.warning("batch_waits", lane=self._lane, error=type(down).__name__)
            return False
        except Exception:
            # The batch stays where it is, the lag grows and the alarm with it: nothing is passed over.
            log.exception("batch_failed", lane=self._lane)
            return False
        return True

    async def _commit(self, records: Sequence[Record]) -> None:
        """Commit this batch's own offsets; refused ones cost a second reading, which changes nothing."""
        consumer = self._subscriber.consumer
        following = {TopicPartition(record.topic, record.partition): record.offset + 1 for record in records}
        owned = frozenset() if consumer is None else consumer.assignment()
        told = {tp: offset for tp, offset in following.items() if tp in owned}
        if consumer is None or not await self._offsets.commit(consumer, told):
            log.info("offsets_not_taken", lane=self._lane)
            metrics.COMMIT_FAILURES.labels(lane=self._lane).inc()
        self._gauges.done(records)


def _subscriber(
    broker: KafkaBroker, topics: Sequence[str], group: str, wait_ms: int, rebalances: LightRebalances
) -> BatchSubscriber:
    return broker.subscriber(
        *topics,
        group_id=group,
        listener=rebalances,
        batch=True,
        ack_policy=AckPolicy.MANUAL,
        auto_offset_reset="none",
        isolation_level="read_committed",
        max_records=BATCH,
        batch_timeout_ms=wait_ms,
        rebalance_timeout_ms=30_000,
        parser=_as_it_came,
        decoder=_untouched,
        include_in_schema=False,
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
