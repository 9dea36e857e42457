"""What a lane reports of itself, with its label children made once."""

import time
from collections.abc import Callable, Iterable, Sequence

from consumers.batch import Result
from consumers.dead_letters import count as count_dead
from consumers.lane import Lane
from consumers.positions import Position
from observability import metrics
from topics.codec import Reason
from topics.message import Record


class LaneMetrics:
    """The series of one lane in one process."""

    def __init__(self, lane: Lane) -> None:
        self._lane = lane
        self._halted_ms: float | None = None
        self._at_rest_ms: dict[int, float] = {}
        """When last nothing of a partition waited: what waits and was never read was written after that."""
        self._end_to_end = metrics.END_TO_END_SECONDS.labels(lane=lane.name)
        metrics.HALTED.labels(lane=lane.name).set(0)

    def applied(self, results: Sequence[Result], records: Sequence[Record]) -> None:
        """Count what a batch came to."""
        lane = self._lane.name
        now_ms = time.time() * 1000
        for record in records:
            self._end_to_end.observe(max(0.0, now_ms - record.timestamp_ms) / 1000)
        for result in results:
            for (kind, outcome), count in result.tally.items():
                metrics.COMMANDS.labels(lane=lane, type=kind, outcome=outcome).inc(count)
            for reason, count in result.dead.items():
                count_dead(lane, Reason(reason), self._lane.topic.name, count)
            for layer, count in result.duplicates.items():
                metrics.DEDUP_HITS.labels(lane=lane, layer=layer).inc(count)
            if result.fenced:
                metrics.FENCE_REJECTIONS.labels(lane=lane).inc(len(result.fenced))

    def positions(self, positions: Iterable[Position], end: Callable[[int], int | None]) -> None:
        """Lag of each partition: what is written and not applied, and how old the oldest of it is."""
        now_ms = time.time() * 1000
        for position in positions:
            labels = (self._lane.group, self._lane.topic.name, str(position.partition))
            behind = max(0, (end(position.partition) or position.cursor) - position.cursor)
            if not behind:
                self._at_rest_ms[position.partition] = now_ms
            oldest = position.oldest_ms() or self._unread_ms(position.partition)
            metrics.LAG_MESSAGES.labels(*labels).set(behind)
            age = max(0.0, now_ms - oldest) / 1000 if behind and oldest is not None else 0.0
            metrics.LAG_SECONDS.labels(*labels).set(age)

    def _unread_ms(self, partition: int) -> float | None:
        """Since when a halted lane leaves unread what waits: since it halted, or since something waits at all."""
        if self._halted_ms is None:
            return None
        return max(self._halted_ms, self._at_rest_ms.get(partition, 0.0))

    def gone(self, partition: int) -> None:
        """A partition that is worked on elsewhere is not reported from here."""
        self._at_rest_ms.pop(partition, None)
        for gauge in (metrics.LAG_MESSAGES, metrics.LAG_SECONDS):
            gauge.remove_by_labels(
                {"group": self._lane.group, "topic": self._lane.topic.name, "partition": str(partition)}
            )

    def rebalanced(self, event: str) -> None:
        """Count an assignment or a revocation."""
        metrics.REBALANCES.labels(lane=self._lane.name, event=event).inc()

    def assigned(self, count: int) -> None:
        """How many partitions are ours."""
        metrics.ASSIGNED.labels(lane=self._lane.name).set(count)

    def commit_failed(self) -> None:
        """Kafka refused lazy offsets."""
        metrics.COMMIT_FAILURES.labels(lane=self._lane.name).inc()

    def halted(self) -> None:
        """The lane stopped for good: from now on nothing is read."""
        self._halted_ms = self._halted_ms or time.time() * 1000
        metrics.HALTED.labels(lane=self._lane.name).set(1)
