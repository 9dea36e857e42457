"""How far a light consumer is behind, by partition, in records and in seconds."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from aiokafka import AIOKafkaConsumer, TopicPartition

from consumers.reached import reached, readable_end
from observability.metrics import LAG_MESSAGES, LAG_SECONDS
from topics.message import Record


class LightGauges:
    """Remembers what the handler did and is doing."""

    def __init__(self, group: str) -> None:
        self.group = group
        self._done: dict[TopicPartition, int] = {}
        self._oldest_ms: dict[TopicPartition, int] = {}

    @contextmanager
    def working(self, records: Sequence[Record]) -> Iterator[None]:
        """While a batch is in hand, the age of its oldest record is the lag."""
        for record in reversed(records):
            tp = TopicPartition(record.topic, record.partition)
            self._oldest_ms[tp] = record.timestamp_ms
            self._done[tp] = record.offset
        try:
            yield
        finally:
            self._oldest_ms.clear()

    def done(self, following: Mapping[TopicPartition, int]) -> None:
        """These offsets are what comes next."""
        self._done.update(following)

    def report(self, consumer: AIOKafkaConsumer | None) -> None:
        """Set the gauges of the partitions that are ours and drop the others."""
        owned = consumer.assignment() if consumer is not None else frozenset()
        now_ms = time.time() * 1000
        for tp in self._done.keys() - owned:
            del self._done[tp]
            for gauge in (LAG_MESSAGES, LAG_SECONDS):
                gauge.remove_by_labels(self._labels(tp))
        for tp in owned & self._done.keys():
            behind = max(0, (readable_end(consumer, tp) or 0) - self._stands(consumer, tp))
            age = max(0.0, now_ms - self._oldest_ms.get(tp, now_ms)) / 1000 if behind else 0.0
            LAG_MESSAGES.labels(**self._labels(tp)).set(behind)
            LAG_SECONDS.labels(**self._labels(tp)).set(age)

    def _stands(self, consumer: AIOKafkaConsumer, tp: TopicPartition) -> int:
        """What comes next: with nothing in hand, behind what the client passed over."""
        done = self._done[tp]
        return done if tp in self._oldest_ms else max(done, reached(consumer, tp) or done)

    def _labels(self, tp: TopicPartition) -> dict[str, str]:
        return {"group": self.group, "topic": tp.topic, "partition": str(tp.partition)}
