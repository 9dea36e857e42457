"""Publishing facts by the hundred: all of them are acknowledged, or the whole batch is done again.

A fact's id follows from what it tells, so that a repeated batch names each again as before.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from topics.codec import encode_body, encode_headers
from topics.message import Envelope, Fact
from topics.table import FACTS

PATIENCE: Final = 20.0
"""Seconds for a batch: aiokafka's idempotent producer would try for ever, and nobody would hear of it."""
FAREWELL: Final = 5.0


@dataclass(frozen=True, slots=True)
class Addressed:
    """A fact and whom it concerns."""

    envelope: Envelope
    fact: Fact


class FactProducer:
    """One producer, made when first needed and again after each failure."""

    def __init__(self, bootstrap: str, *, client_id: str, topic: str = FACTS.name) -> None:
        self._bootstrap, self._client_id, self._topic = bootstrap, client_id, topic
        self._producer: AIOKafkaProducer | None = None

    async def publish(self, facts: Sequence[Addressed]) -> None:
        """Publish in order per account, and wait until Kafka has them all. Raises `KafkaError` or `TimeoutError`."""
        if not facts:
            return
        try:
            async with asyncio.timeout(PATIENCE):
                await self._publish(facts)
        except BaseException:
            await self.close()
            raise

    async def _publish(self, facts: Sequence[Addressed]) -> None:
        producer = await self._started()
        sent = [
            await producer.send(
                self._topic,
                encode_body(one.fact),
                key=one.envelope.account_id.encode(),
                headers=encode_headers(one.envelope),
            )
            for one in facts
        ]
        for acknowledged in sent:
            await acknowledged

    async def close(self) -> None:
        """Give the producer up, and what it still holds."""
        producer, self._producer = self._producer, None
        if producer is not None:
            with suppress(KafkaError, TimeoutError):
                async with asyncio.timeout(FAREWELL):  # it would flush what is done again anyway
                    await producer.stop()

    async def _started(self) -> AIOKafkaProducer:
        if self._producer is None:
            producer = AIOKafkaProducer(
                bootstrap_servers=self._bootstrap,
                client_id=self._client_id,
                enable_idempotence=True,
                acks="all",
                linger_ms=0,
                max_batch_size=256 * 1024,
            )
            self._producer = producer
            await producer.start()
        return self._producer
