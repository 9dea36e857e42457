"""How often partitions come to a light consumer and go, counted as the lanes count it."""

from collections.abc import Collection

from aiokafka import ConsumerRebalanceListener, TopicPartition

from observability.metrics import REBALANCES


class LightRebalances(ConsumerRebalanceListener):  # type: ignore[misc]
    """Nothing has to be handed over: what was in hand is read again by whoever follows."""

    def __init__(self, lane: str) -> None:
        self._lane = lane

    async def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        """These are ours now."""
        self._count("assigned", assigned)

    async def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        """These are about to become somebody else's."""
        self._count("revoked", revoked)

    def _count(self, event: str, partitions: Collection[TopicPartition]) -> None:
        if partitions:
            REBALANCES.labels(lane=self._lane, event=event).inc()
