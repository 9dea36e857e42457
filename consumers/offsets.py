"""Telling Kafka's group how far we are: a hint, one at a time, not waited for longer than it is worth.

A commit that takes long is left to end by itself. To cancel it would make aiokafka forget its own request,
whose failure nobody would then see but the event loop, which reports it as an error.
"""

import asyncio
from collections.abc import Mapping
from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

COMMIT_SECONDS: Final = 5.0


class Offsets:
    """The commits of one consumer at a time."""

    def __init__(self) -> None:
        self._under_way: asyncio.Future[None] | None = None

    async def commit(self, consumer: AIOKafkaConsumer, offsets: Mapping[TopicPartition, int]) -> bool:
        """Whether Kafka has them; False too while an earlier commit has not ended. Never raises `KafkaError`."""
        if not offsets:
            return True
        if self._under_way is not None and not self._under_way.done():
            return False
        ours = self._under_way = asyncio.ensure_future(consumer.commit(dict(offsets)))
        ours.add_done_callback(_look_at)
        # By the time that we are told, another caller may have begun the next one.
        done, _ = await asyncio.wait({ours}, timeout=COMMIT_SECONDS)
        if not done:
            return False
        try:
            ours.result()
        except KafkaError:
            return False
        return True

    def forget(self) -> None:
        """Its consumer was stopped: what is under way ends."""
        if self._under_way is not None:
            self._under_way.cancel()


def _look_at(under_way: "asyncio.Future[None]") -> None:
    """A commit that nobody waits for any more may fail."""
    if not under_way.cancelled():
        under_way.exception()
