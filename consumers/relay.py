"""The relay: outbox to Kafka, in order per account, at least once.

A shard has one owner, by a session lock in PostgreSQL, and a key lies in one shard. Rows are deleted
only after Kafka acknowledged them, so a crash repeats messages (which readers drop by their id) and
loses none. After any failed send the producer is thrown away: whatever it still holds must not arrive
behind what its successor sends, and what it sent already is sent again from the first unacknowledged
row, so the first appearance of each message keeps the order.
"""

import asyncio
import random
import time
from collections import Counter
from typing import Final

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from consumers.relay_gauges import RelayGauges
from observability import metrics
from observability.crash import crash_point
from state.kafka import drop, look_at
from state.postgres import outbox
from state.postgres.connection import PLANNED_ONCE, STORE_DOWN, Connection, connect
from topics.table import TOPICS

log = structlog.get_logger()

BATCH: Final = 500
"""Messages of each shard in one round."""
SHORTEST_NAP: Final = 0.002
LONGEST_NAP: Final = 0.04
OWN_EVERY: Final = 2.0
LOOK_EVERY: Final = 2.0
MAX_BACKOFF: Final = 5.0


class Relay:
    """Publishes the outbox from one process. Others stand by for its shards."""

    def __init__(self, *, dsn: str, bootstrap: str) -> None:
        self._dsn, self._bootstrap = dsn, bootstrap
        self._stopping = asyncio.Event()
        self._shards: list[int] = []
        self._owned_at = 0.0
        self.rounded_at = time.monotonic()

    async def run(self) -> None:
        """Relay until `stop`; failures are waited out. What waits is counted aside: publishing never waits for that."""
        async with asyncio.TaskGroup() as group:
            gauges = group.create_task(RelayGauges(self._dsn).watch(LOOK_EVERY))
            await self._relay_on()
            gauges.cancel()

    async def _relay_on(self) -> None:
        failures = 0
        while not self._stopping.is_set():
            self.rounded_at = time.monotonic()
            try:
                await self._relay()
                failures = 0
            except (*STORE_DOWN, KafkaError) as error:
                failures += 1
                metrics.RELAY_FAILURES.inc()
                delay = min(MAX_BACKOFF, 0.05 * 2**failures) * random.uniform(0.5, 1)  # noqa: S311
                log.warning("relay_waits", error=type(error).__name__, retry_in=round(delay, 2))
                await asyncio.sleep(delay)

    def stop(self) -> None:
        """Finish the round under way and leave."""
        self._stopping.set()

    async def _relay(self) -> None:
        """One life of connection and producer: both end with the first failure of either.

        The producer ends first, unflushed: with the connection the shards are free, and what arrived then would
        stand behind the first messages of their next owner.
        """
        connection = await connect(self._dsn, name="relay", planning=PLANNED_ONCE)
        producer = AIOKafkaProducer(
            bootstrap_servers=self._bootstrap,
            client_id="relay",
            enable_idempotence=True,
            acks="all",
            linger_ms=0,
            max_batch_size=256 * 1024,
            max_request_size=max(topic.max_bytes for topic in TOPICS),
            request_timeout_ms=20_000,
        )
        self._shards, self._owned_at = [], 0.0
        try:
            await producer.start()
            await self._rounds(connection, producer)
        finally:
            metrics.RELAY_SHARDS.set(0)
            try:
                await drop(producer)
            finally:
                connection.terminate()

    async def _rounds(self, connection: Connection, producer: AIOKafkaProducer) -> None:
        nap = SHORTEST_NAP
        while not self._stopping.is_set():
            await self._own(connection)
            found = await outbox.following(connection, self._shards, BATCH) if self._shards else []
            self.rounded_at = time.monotonic()
            if not found:
                await asyncio.sleep(nap)
                nap = min(LONGEST_NAP, nap * 2)
                continue
            nap = SHORTEST_NAP
            await self._publish(producer, found)
            crash_point("relay.published")
            await outbox.remove(connection, found)
            crash_point("relay.removed")

    async def _publish(self, producer: AIOKafkaProducer, found: list[outbox.Pending]) -> None:
        """`send` per message so that the key decides the partition; aiokafka batches underneath."""
        sent = []
        for message in found:
            sent.append(
                await producer.send(message.topic, message.body, key=message.key, headers=message.headers)
            )
            # Looked at in any case: when a later send fails, nobody waits for this one any more.
            sent[-1].add_done_callback(look_at)
        crash_point("relay.sent")
        await asyncio.gather(*sent)
        for topic, count in Counter(message.topic for message in found).items():
            metrics.RELAYED.labels(topic=topic).inc(count)

    async def _own(self, connection: Connection) -> None:
        """Look for shards whose owner is gone."""
        now = time.monotonic()
        if now - self._owned_at < OWN_EVERY:
            return
        self._owned_at = now
        if won := await outbox.own(connection, self._shards):
            self._shards = sorted([*self._shards, *won])
            log.info("shards_owned", shards=self._shards)
        metrics.RELAY_SHARDS.set(len(self._shards))
