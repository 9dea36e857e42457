"""The port to Kafka: what the loop needs of a client, and aiokafka behind it.

Offsets are committed explicitly and lazily; nothing is ever committed by the client itself, nor does it
ever choose by itself where to read on: what lies outside of the log is for a person to decide. aiokafka
tells of a revocation before a rebalance but not when it is stopped, so the loop hands over by itself.
"""

import asyncio
from collections.abc import Awaitable, Collection, Mapping
from typing import Protocol

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import KafkaError, NoOffsetForPartitionError

from consumers import held
from consumers.header_names import tolerate_odd_header_names
from consumers.lane import Lane
from consumers.offsets import Offsets
from consumers.reached import ReaderBrokenError, break_off, reached, readable_end, reading_ended
from topics.message import Record

SESSION_SECONDS = 10.0
REBALANCE_TIMEOUT_MS = 30_000
LEAVE_SECONDS = 3.0
"""For leaving the group in order, which others that are slow to hand over hold up for as long as they please."""


class Owner(Protocol):
    """Whoever works on the partitions. Both calls may take their time; what they raise ends the reading."""

    async def assigned(self, partitions: Collection[int]) -> None:
        """These partitions are ours now; reading starts where `seek` says."""

    async def revoked(self, partitions: Collection[int]) -> None:
        """These partitions are about to become somebody else's."""


class Log(Protocol):
    """A member of a consumer group that reads one topic."""

    async def start(self, owner: Owner) -> None:
        """Join the group; raises `KafkaError`, and may then be called again."""

    async def stop(self) -> None:
        """Leave the group. The owner is not told."""

    async def poll(self, timeout: float, limit: int) -> list[Record]:
        """Records in order per partition, as soon as there are any; raises `KafkaError`, `ReaderBrokenError`."""

    def seek(self, partition: int, offset: int) -> None:
        """Read on from `offset`. A partition that is not ours any more is left alone."""

    def pause(self, partitions: Collection[int]) -> None:
        """Stop reading these."""

    def resume(self, partitions: Collection[int]) -> None:
        """Read these again."""

    async def commit(self, offsets: Mapping[int, int]) -> bool:
        """Tell the group how far we are; False when it did not take it, which costs nothing."""

    async def bounds(self, partitions: Collection[int]) -> dict[int, tuple[int, int]]:
        """The first offset kept and the next one to be written, of each partition (`consumers.held`)."""

    async def committed(self, partition: int) -> int | None:
        """The group's offset, if it ever committed one."""

    def end(self, partition: int) -> int | None:
        """The next offset that may become readable, as of the last fetch."""

    def reached(self, partition: int) -> int | None:
        """Where the client reads on: behind what `poll` gave, and behind what it passed over."""


class KafkaLog(ConsumerRebalanceListener):  # type: ignore[misc]
    """`Log` by aiokafka."""

    _consumer: AIOKafkaConsumer
    _asker: AIOKafkaConsumer

    def __init__(
        self, lane: Lane, bootstrap: str, client_id: str, *, session_seconds: float = SESSION_SECONDS
    ) -> None:
        self._lane, self._bootstrap, self._client_id = lane, bootstrap, client_id
        self._topic = lane.topic.name
        self._session_ms = round(session_seconds * 1000)
        self._owner: Owner | None = None
        self._defect: Exception | None = None
        self._offsets = Offsets()

    def _member(self) -> AIOKafkaConsumer:
        tolerate_odd_header_names()
        return AIOKafkaConsumer(
            bootstrap_servers=self._bootstrap,
            client_id=self._client_id,
            group_id=self._lane.group,
            auto_offset_reset="none",
            isolation_level="read_committed",
            enable_auto_commit=False,
            fetch_max_wait_ms=self._lane.fetch_wait_ms,
            session_timeout_ms=self._session_ms,
            rebalance_timeout_ms=REBALANCE_TIMEOUT_MS,
            heartbeat_interval_ms=self._session_ms // 10,
            max_partition_fetch_bytes=2 * 1024 * 1024,
        )

    async def start(self, owner: Owner) -> None:
        self._owner, self._defect = owner, None
        self._consumer = self._member()
        self._consumer.subscribe([self._topic], listener=self)
        # Of no group and of no transaction: it is asked what there is, and reads nothing.
        self._asker = AIOKafkaConsumer(
            bootstrap_servers=self._bootstrap, client_id=self._client_id, enable_auto_commit=False
        )
        try:
            await self._asker.start()
            await self._consumer.start()
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        try:
            async with asyncio.timeout(LEAVE_SECONDS):
                await self._consumer.stop()
        except KafkaError:
            # What broke in the client was told by `poll`; raised once more here, it would leave connections open.
            await self._consumer._client.close()
        except TimeoutError:
            # Behind its request to join, which the broker has yet to answer, no word of leaving would get through. The
            # group learns it when the session is over, as of a member that was killed.
            await break_off(self._consumer)
        finally:
            await self._asker.stop()
            self._offsets.forget()

    async def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        if self._owner and assigned:
            await self._told(self._owner.assigned([found.partition for found in assigned]))

    async def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        if self._owner and revoked:
            await self._told(self._owner.revoked([found.partition for found in revoked]))

    async def _told(self, owner: Awaitable[None]) -> None:
        """aiokafka goes on after what a listener raises: partitions would be ours and nobody would read them."""
        try:
            await owner
        except Exception as defect:
            self._defect = defect
            raise

    def _check(self) -> None:
        """Raises `ReaderBrokenError` when nothing would ever be read again, which aiokafka keeps to itself."""
        if self._defect is not None:
            raise ReaderBrokenError("partitions could not be handed over") from self._defect
        if reading_ended(self._consumer):
            raise ReaderBrokenError("the client does not fetch any more")

    async def poll(self, timeout: float, limit: int) -> list[Record]:
        self._check()
        try:
            found = await self._consumer.getmany(timeout_ms=int(timeout * 1000), max_records=limit)
        except NoOffsetForPartitionError:
            # Ours, but not opened yet: nothing is read before `seek` says where.
            await asyncio.sleep(timeout / 4)
            return []
        return [
            Record(r.topic, r.partition, r.offset, r.timestamp, r.key, r.value, r.headers)
            for records in found.values()
            for r in records
        ]

    def seek(self, partition: int, offset: int) -> None:
        if self._owns(partition):
            self._consumer.seek(self._tp(partition), offset)

    def pause(self, partitions: Collection[int]) -> None:
        self._consumer.pause(*(self._tp(p) for p in partitions if self._owns(p)))

    def resume(self, partitions: Collection[int]) -> None:
        self._consumer.resume(*(self._tp(p) for p in partitions if self._owns(p)))

    async def commit(self, offsets: Mapping[int, int]) -> bool:
        return await self._offsets.commit(
            self._consumer, {self._tp(partition): offset for partition, offset in offsets.items()}
        )

    async def bounds(self, partitions: Collection[int]) -> dict[int, tuple[int, int]]:
        return await held.bounds(self._asker, self._topic, partitions)

    async def committed(self, partition: int) -> int | None:
        offset: int | None = await self._consumer.committed(self._tp(partition))
        return offset

    def end(self, partition: int) -> int | None:
        return readable_end(self._consumer, self._tp(partition))

    def reached(self, partition: int) -> int | None:
        return reached(self._consumer, self._tp(partition))

    def _owns(self, partition: int) -> bool:
        return self._tp(partition) in self._consumer.assignment()

    def _tp(self, partition: int) -> TopicPartition:
        return TopicPartition(self._topic, partition)
