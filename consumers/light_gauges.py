"""How far a light consumer is behind, by partition, in records and in seconds, at rest and while it hangs."""

import asyncio
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from consumers.reached import reached, readable_end
from observability.metrics import ASSIGNED, LAG_MESSAGES, LAG_SECONDS
from topics.message import Record

ASK_SECONDS: Final = 2.0
"""For Kafka to say what is written; without an answer it is as of the last fetch."""


class LightGauges:
    """Remembers what the handler did and is doing."""

    def __init__(self, lane: str, group: str) -> None:
        self.group = group
        self._assigned = ASSIGNED.labels(lane=lane)
        self._done: dict[TopicPartition, int] = {}
        self._in_hand_ms: dict[TopicPartition, int] = {}
        self._after_ms: dict[TopicPartition, float] = {}
        """What waits was written after this: after the last record that was done, or when last nothing waited."""
        self._seen_ms: dict[TopicPartition, float] = {}
        """When it was first looked at: all that is known of what waits before anything was read."""

    @contextmanager
    def working(self, records: Sequence[Record]) -> Iterator[None]:
        """While a batch is in hand, the age of its oldest record is the lag."""
        for record in reversed(records):
            tp = TopicPartition(record.topic, record.partition)
            self._in_hand_ms[tp] = record.timestamp_ms
            self._done[tp] = record.offset
        try:
            yield
        finally:
            self._in_hand_ms.clear()

    def done(self, records: Sequence[Record]) -> None:
        """These are behind us."""
        for record in records:
            tp = TopicPartition(record.topic, record.partition)
            self._done[tp] = record.offset + 1
            self._after_ms[tp] = max(self._after_ms.get(tp, 0), record.timestamp_ms)

    async def report(self, consumer: AIOKafkaConsumer | None) -> None:
        """Set the gauges of the partitions that are ours and drop the others."""
        owned = consumer.assignment() if consumer is not None else frozenset()
        ends = await _ends(consumer, owned)
        owned = consumer.assignment() if consumer is not None else frozenset()
        self._assigned.set(len(owned))
        for tp in (self._seen_ms.keys() | self._done.keys()) - owned:
            self._forget(tp)
        now_ms = time.time() * 1000
        for tp in owned:
            stands = self._stands(consumer, tp)
            if stands is None:
                continue
            self._seen_ms.setdefault(tp, now_ms)
            behind = max(0, max(ends.get(tp, 0), readable_end(consumer, tp) or 0) - stands)
            LAG_MESSAGES.labels(**self._labels(tp)).set(behind)
            LAG_SECONDS.labels(**self._labels(tp)).set(self._age(tp, now_ms) if behind else 0.0)
            if not behind:
                self._after_ms[tp] = now_ms

    def _age(self, tp: TopicPartition, now_ms: float) -> float:
        since = self._in_hand_ms.get(tp) or self._after_ms.get(tp) or self._seen_ms[tp]
        return max(0.0, now_ms - since) / 1000

    def _stands(self, consumer: AIOKafkaConsumer, tp: TopicPartition) -> int | None:
        """What comes next: with nothing in hand, behind what the client passed over. None before it is known."""
        done, read = self._done.get(tp), reached(consumer, tp)
        if done is None or tp in self._in_hand_ms:
            return read if done is None else done
        return max(done, read or done)

    def _forget(self, tp: TopicPartition) -> None:
        """Somebody else's."""
        for known in (self._done, self._after_ms, self._seen_ms):
            known.pop(tp, None)
        for gauge in (LAG_MESSAGES, LAG_SECONDS):
            gauge.remove_by_labels(self._labels(tp))

    def _labels(self, tp: TopicPartition) -> dict[str, str]:
        return {"group": self.group, "topic": tp.topic, "partition": str(tp.partition)}


async def _ends(
    consumer: AIOKafkaConsumer | None, owned: Collection[TopicPartition]
) -> Mapping[TopicPartition, int]:
    """What may be read, asked anew: a client that has enough at hand fetches no more, and hears of nothing."""
    if consumer is None or not owned:
        return {}
    try:
        async with asyncio.timeout(ASK_SECONDS):
            found: Mapping[TopicPartition, int] = await consumer.end_offsets(owned)
    except (KafkaError, TimeoutError):
        return {}
    return found
