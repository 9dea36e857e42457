"""How a light consumer reads: no record is passed over, and what the log dropped before it was read is told.

aiokafka would begin at the earliest record by itself, and say nothing of those that are missing. And when reading one
partition fails, it forgets what it had taken off the others in that same call.
"""

import asyncio
import time
from collections.abc import Mapping
from itertools import chain
from typing import Final

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import ConsumerStoppedError, KafkaError, OffsetOutOfRangeError

from consumers.reached import reached
from observability import metrics

log = structlog.get_logger()

BATCH: Final = 500

Batch = tuple["ConsumerRecord[bytes, bytes]", ...]


class LightReading:
    """Batches of one group. The consumer must not choose by itself where to begin: `auto_offset_reset="none"`."""

    def __init__(self, group: str, *, wait_ms: int) -> None:
        self._group, self._wait_ms = group, wait_ms
        self.polled_at = time.monotonic()

    async def batch(self, consumer: AIOKafkaConsumer) -> Batch:
        """What there is, in order per partition; raises `KafkaError`, and then nothing of it is passed over.

        Only partitions whose place is known are asked: of others nobody could say where to go back to.
        """
        await _open(consumer)
        stood = {tp: at for tp in consumer.assignment() if (at := reached(consumer, tp)) is not None}
        if not stood:
            consumer._coordinator.check_errors()
            if not consumer.assignment():
                self.polled_at = time.monotonic()
            await asyncio.sleep(self._wait_ms / 1000)
            return ()
        try:
            found = await consumer.getmany(*stood, timeout_ms=self._wait_ms, max_records=BATCH)
        except OffsetOutOfRangeError as gone:
            await self._begin_again(consumer, *gone.args)
            return ()
        except ConsumerStoppedError:
            raise
        except Exception as failed:
            _go_back(consumer, stood)
            if isinstance(failed, KafkaError):
                raise
            # FastStream would end its reading, and nobody would hear of it.
            raise KafkaError(f"{type(failed).__name__} while reading") from failed
        self.polled_at = time.monotonic()
        return tuple(chain.from_iterable(found.values()))

    async def _begin_again(self, consumer: AIOKafkaConsumer, wanted: Mapping[TopicPartition, int]) -> None:
        """Go on with what is left: nothing here could be decided about what is gone, but somebody must know."""
        firsts = await consumer.beginning_offsets(wanted)
        for tp, offset in wanted.items():
            first = firsts[tp]
            if reached(consumer, tp) != offset:
                # Opened anew meanwhile, or somebody else's.
                continue
            log.critical(
                "records_lost",
                group=self._group,
                topic=tp.topic,
                partition=tp.partition,
                next=offset,
                first=first,
            )
            metrics.RECORDS_LOST.labels(group=self._group, topic=tp.topic).inc(max(1, first - offset))
            consumer.seek(tp, first)


async def _open(consumer: AIOKafkaConsumer) -> None:
    """Begin where the group stands, or at the beginning where it never finished a record."""
    unopened = {tp for tp in consumer.assignment() if reached(consumer, tp) is None}
    committed = {tp: await consumer.committed(tp) for tp in unopened}
    still = {tp for tp in unopened & consumer.assignment() if reached(consumer, tp) is None}
    new = {tp for tp in still if committed[tp] is None}
    for tp in still - new:
        consumer.seek(tp, committed[tp])
    if new:
        await consumer.seek_to_beginning(*new)


def _go_back(consumer: AIOKafkaConsumer, stood: Mapping[TopicPartition, int]) -> None:
    """Read again what was taken off partitions in a call that failed."""
    for tp, offset in stood.items():
        now = reached(consumer, tp)
        if now is not None and now > offset:
            consumer.seek(tp, offset)
