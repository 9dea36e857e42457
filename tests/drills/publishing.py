"""Publishing a history in its order, whatever happens to Kafka meanwhile."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from itertools import islice
from typing import Final

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from tests.drills.history import Planned
from topics.message import Record
from topics.table import LANES

PORTION: Final = 500
_Message = tuple[str, int | None, bytes | None, bytes | None, list[tuple[str, bytes | None]]]
"""Topic, partition (None: as the key says), key, value and headers."""


class Producer:
    """Sends portions, each acknowledged before the next. An async context manager."""

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap
        self._producer: AIOKafkaProducer | None = None
        self.planned: Counter[str] = Counter()
        """Records of the history by lane; a record's number is its place there."""
        self.sent = 0

    async def __aenter__(self) -> "Producer":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._drop()

    async def publish(self, history: Iterable[Planned], *, pause: float = 0.0) -> None:
        """Publish all of it, waiting `pause` seconds behind each portion."""
        records = iter(history)
        while portion := list(islice(records, PORTION)):
            await self._send([self._numbered(planned) for planned in portion])
            await asyncio.sleep(pause)

    async def publish_again(self, records: Sequence[Record]) -> None:
        """Publish records as they were read, as a producer does that lost its memory."""
        for first in range(0, len(records), PORTION):
            await self._send(
                [(r.topic, r.partition, r.key, r.value, list(r.headers)) for r in records[first:][:PORTION]]
            )

    def _numbered(self, planned: Planned) -> _Message:
        number = self.planned[planned.lane]
        self.planned[planned.lane] += 1
        return LANES[planned.lane].name, None, planned.key, planned.value, [*planned.marked(number)]

    async def _send(self, messages: Sequence[_Message]) -> None:
        """All of a portion again after a failure: repeated records are duplicates, lost ones are lost."""
        while True:
            try:
                await self._try(messages)
            except KafkaError:
                await self._drop()
                await asyncio.sleep(0.2)
            else:
                self.sent += len(messages)
                return

    async def _try(self, messages: Sequence[_Message]) -> None:
        if self._producer is None:
            producer = AIOKafkaProducer(
                bootstrap_servers=self._bootstrap, enable_idempotence=True, acks="all", linger_ms=0
            )
            try:
                await producer.start()
            except KafkaError:
                await producer.stop()
                raise
            self._producer = producer
        sent = [
            await self._producer.send(topic, value, key=key, partition=partition, headers=headers)
            for topic, partition, key, value, headers in messages
        ]
        await asyncio.gather(*sent)

    async def _drop(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            with suppress(KafkaError, TimeoutError):
                async with asyncio.timeout(10):
                    await producer.stop()
