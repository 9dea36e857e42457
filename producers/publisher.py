"""Publishing to Kafka: keyed by account, acknowledged by all replicas, given up after a few seconds.

A message that was given up is not sent later on: a customer who was told to try again must not find
an old change over a newer one. aiokafka's idempotent producer never drops a message by itself (it
retries for ever), so its client is abandoned with whatever it still holds, and a fresh one is made.
That also cures the fatal errors of idempotence (a lost producer id, a gap in the sequence).
"""

import asyncio
from contextlib import suppress
from typing import Any, Final, Self

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaConnectionError, KafkaError

from state.kafka import drop, look_at
from topics.codec import encode_headers
from topics.message import Envelope

log = structlog.get_logger()

DEADLINE: Final = 5.0
_START_SECONDS: Final = 3.0
_PAUSE: Final = 0.1


class NotPublishedError(Exception):
    """Kafka did not acknowledge in time. `maybe`: it may have the message all the same."""

    def __init__(self, *, maybe: bool) -> None:
        super().__init__("Kafka did not acknowledge the message in time")
        self.maybe = maybe


class Publisher:
    """One producer, shared by everything in the process that publishes. An async context manager."""

    def __init__(self, bootstrap: str, *, client_id: str, deadline: float = DEADLINE) -> None:
        self._bootstrap, self._client_id, self._deadline = bootstrap, client_id, deadline
        self._producer: AIOKafkaProducer | None = None
        self._starting: asyncio.Task[AIOKafkaProducer] | None = None
        self._farewells: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        """Starts without Kafka too: it is looked for when it is needed."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Messages that are being published are still waited for, for a short time."""
        if self._starting is not None:
            self._starting.cancel()
        producer, self._producer = self._producer, None
        if producer is not None:
            with suppress(KafkaError, TimeoutError):
                async with asyncio.timeout(self._deadline):
                    await producer.stop()
        await asyncio.gather(*self._farewells, return_exceptions=True)

    async def publish(self, topic: str, envelope: Envelope, body: bytes) -> None:
        """Publish an encoded message under the key of its account. Raises `NotPublishedError`."""
        await self.send(topic, body, key=envelope.account_id.encode(), headers=encode_headers(envelope))

    async def send(self, topic: str, body: bytes, *, key: bytes, headers: list[tuple[str, bytes]]) -> None:
        """Publish bytes that are no message of ours, or one that is encoded. Raises `NotPublishedError`."""
        await self._send(topic, body, key=key, headers=headers)

    async def check(self) -> None:
        """Whether the brokers answer now. Raises `NotPublishedError`."""
        try:
            async with asyncio.timeout(1):
                producer = await self._ready()
                await producer.client.fetch_all_metadata()
        except (KafkaError, TimeoutError):
            raise NotPublishedError(maybe=False) from None

    async def _send(self, topic: str, value: bytes, **addressed: Any) -> None:
        """Try until it is acknowledged or the time is over. A repetition has the same id: harmless."""
        maybe, producer = False, None
        try:
            async with asyncio.timeout(self._deadline):
                while True:
                    try:
                        producer = await self._ready()
                        acknowledged = await producer.send(topic, value, **addressed)
                        maybe = True
                        acknowledged.add_done_callback(look_at)
                        await asyncio.shield(acknowledged)
                    except KafkaError as error:
                        log.debug("publish_failed", topic=topic, error=type(error).__name__)
                        self._abandon(producer)
                        await asyncio.sleep(_PAUSE)
                    else:
                        return
        except TimeoutError:
            log.warning("publish_given_up", topic=topic, maybe=maybe)
            self._abandon(producer)
            raise NotPublishedError(maybe=maybe) from None

    async def _ready(self) -> AIOKafkaProducer:
        """The producer, started once for all who ask meanwhile."""
        if self._producer is not None:
            return self._producer
        if self._starting is None:
            self._starting = asyncio.create_task(self._start())
            self._starting.add_done_callback(self._started)
        return await asyncio.shield(self._starting)

    def _started(self, task: asyncio.Task[AIOKafkaProducer]) -> None:
        self._starting = None
        if not task.cancelled() and task.exception() is None:
            self._producer = task.result()

    async def _start(self) -> AIOKafkaProducer:
        producer = AIOKafkaProducer(
            bootstrap_servers=self._bootstrap,
            client_id=self._client_id,
            enable_idempotence=True,
            acks="all",
            linger_ms=0,
            request_timeout_ms=round(self._deadline * 1000),
        )
        try:
            async with asyncio.timeout(_START_SECONDS):
                await producer.start()
        except TimeoutError:
            await producer.stop()
            raise KafkaConnectionError("the brokers did not answer in time") from None
        except BaseException:
            await producer.stop()
            raise
        return producer

    def _abandon(self, producer: AIOKafkaProducer | None) -> None:
        """Use this producer no more. Whoever else waits for it learns at once."""
        if producer is None or producer is not self._producer:
            return
        self._producer = None
        task = asyncio.create_task(drop(producer))
        self._farewells.add(task)
        task.add_done_callback(self._farewells.discard)
