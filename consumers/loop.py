"""The loop of a lane: poll, decode, filter, apply, wake, commit offsets; it knows nothing of capabilities.

Partitions are dealt to a few workers, each with its own connection, so partitions are worked side by
side and one partition never by two at once. A worker takes whatever waits on its partitions as one
batch: under load batches grow, when it is quiet a message waits for the batch under way and for
nothing else. The fence in PostgreSQL makes all of this safe against zombies and redelivery; nothing
here has to be.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import structlog
from aiokafka.errors import KafkaError
from redis.asyncio import Redis

from consumers import opening
from consumers.applier import Applier, GivenUpError
from consumers.batch import Batch, Result
from consumers.halted_ends import HaltedEnds
from consumers.lane import Lane
from consumers.lane_metrics import LaneMetrics
from consumers.log import Log
from consumers.positions import Position, Take, take
from consumers.resting import Resting
from consumers.telling import Telling
from consumers.turns import Turns
from consumers.validity import StreamInvalidError, Validity
from observability.crash import crash_point
from state.postgres.cursors import Span
from state.redis.dedup import Dedup
from topics.codec import decode
from topics.message import Record

log = structlog.get_logger()

POLL_SECONDS: Final = 0.2
COMMIT_EVERY: Final = 1.0
HAND_OVER_SECONDS: Final = 15.0
"""How long a revocation waits for batches under way; well below the rebalance timeout."""
ASK_SECONDS: Final = 5.0
"""For Kafka to say what it holds; meanwhile nothing is polled."""


@dataclass(frozen=True, slots=True)
class LoopSettings:
    """Sizes of one lane's loop in one process."""

    workers: int = 2
    batch: int = 500
    backlog: int = 4000
    """Records buffered per worker before its partitions are paused."""
    invalid_share: float = 0.5


class Loop:
    """Applies one lane in one process. `run` returns after `stop`, with everything handed over."""

    def __init__(self, lane: Lane, kafka: Log, *, dsn: str, redis: Redis, settings: LoopSettings) -> None:
        self.lane = lane
        self._log, self._dsn, self._settings = kafka, dsn, settings
        self._positions: dict[int, Position] = {}
        self._validity = Validity(share=settings.invalid_share)
        self._metrics = LaneMetrics(lane)
        self._ends = HaltedEnds(kafka)
        self._redis, self._dedup = redis, Dedup(redis)
        self._ready = [asyncio.Event() for _ in range(settings.workers)]
        self._idle = [asyncio.Event() for _ in range(settings.workers)]
        self._turns = Turns()
        self._telling = Telling(redis, self._dedup)
        self._stopping = asyncio.Event()
        self._committed_at = 0.0
        self.polled_at = self.alive_at = time.monotonic()
        self.halted: StreamInvalidError | opening.CursorOutsideLogError | None = None

    async def run(self) -> None:
        """Work until `stop` is called. Raises on defects, which end the process."""
        if not await self._joined():
            return
        try:
            async with asyncio.TaskGroup() as group:
                workers = [group.create_task(self._work(n)) for n in range(self._settings.workers)]
                await self._poll()
                await self._quiet()
                for worker in workers:
                    worker.cancel()
            await self._telling.told()
            await self._commit(force=True)
        finally:
            await self._log.stop()

    async def _joined(self) -> bool:
        """Join the group, however long the brokers are away; False when told to stop meanwhile.

        Who waits for them lives: to be killed and started again would only make it wait longer.
        """
        delay = 0.1
        while not self._stopping.is_set():
            try:
                await self._log.start(self)
            except KafkaError as down:
                log.warning("joining_waits", lane=self.lane.name, error=type(down).__name__)
                self.alive_at = time.monotonic()
                await asyncio.sleep(delay)
                delay = min(5.0, delay * 2)
            else:
                return True
        return False

    def stop(self) -> None:
        """Finish the batches under way and leave."""
        self._stopping.set()

    @property
    def assigned_partitions(self) -> frozenset[int]:
        """What this process works on now."""
        return frozenset(self._positions)

    # --- ownership of partitions ---------------------------------------------------------------

    async def assigned(self, partitions: Collection[int]) -> None:
        """Start each partition where PostgreSQL says it stands; before, nothing of it is read to be thrown away."""
        self._metrics.rebalanced("assigned")
        self._log.pause(partitions)
        try:
            cursors = await self._cursors(partitions)
        except opening.CursorOutsideLogError as gap:
            self._halt(gap)
            return
        for partition, cursor in cursors.items():
            self._open(partition, cursor)
        self._metrics.assigned(len(self._positions))
        log.info("partitions_assigned", lane=self.lane.name, partitions=sorted(cursors))

    async def revoked(self, partitions: Collection[int]) -> None:
        """Let no work outlive its ownership: stop taking, wait for what is under way, commit."""
        self._metrics.rebalanced("revoked")
        for partition in partitions:
            if position := self._positions.get(partition):
                position.closed = True
        await self._quiet()
        await self._commit(force=True)
        for partition in partitions:
            self._positions.pop(partition, None)
            self._metrics.gone(partition)
        self._metrics.assigned(len(self._positions))

    async def _cursors(self, partitions: Collection[int]) -> dict[int, int]:
        """Where these stand; nothing when we are told to stop while a store is away."""
        return await opening.cursors(
            self._log, self.lane, self._dsn, partitions, wanted=lambda: not self._stopping.is_set()
        )

    def _open(self, partition: int, cursor: int) -> None:
        """A fresh position; whatever was polled for the former one is not taken any more."""
        if former := self._positions.get(partition):
            former.closed = True
        self._positions[partition] = Position(partition, cursor)
        self._log.seek(partition, cursor)
        self._log.resume([partition])

    async def _quiet(self) -> None:
        """Wait until no worker is in a batch; after the deadline the fence has to do."""
        with suppress(TimeoutError):
            async with asyncio.timeout(HAND_OVER_SECONDS):
                for idle in self._idle:
                    await idle.wait()

    # --- reading -------------------------------------------------------------------------------

    async def _poll(self) -> None:
        while not self._stopping.is_set():
            before = dict(self._positions)
            self._line_up()
            try:
                records = await self._log.poll(POLL_SECONDS, self._settings.backlog)
            except KafkaError as error:
                log.warning("poll_failed", lane=self.lane.name, error=type(error).__name__)
                await self._read_again()
                self._press_back()
                await asyncio.sleep(1)
                continue
            self.polled_at = self.alive_at = time.monotonic()
            await self._accept(records, before)
            self._pass_over()
            self._press_back()
            if self.halted is not None:
                await self._ends.look(list(self._positions))
            await self._commit()

    def _line_up(self) -> None:
        """The client reads on where each position does. Only what it passes over within a poll is no record."""
        for position in self._positions.values():
            reached = self._log.reached(position.partition)
            if not position.closed and reached is not None and reached != position.following:
                self._log.seek(position.partition, position.following)

    async def _read_again(self) -> None:
        """What the client had at hand of other partitions is lost when a poll fails: no hole may stay.

        It may have failed because the log lost what is to be read next.
        """
        await self._held(self._positions.values())
        for position in self._positions.values():
            if not position.closed:
                self._log.seek(position.partition, position.following)

    async def _held(self, positions: Iterable[Position]) -> bool:
        """Whether the log still has what follows; False too while it can't be asked. The lane halts if it has not."""
        following = {p.partition: p.following for p in positions if not p.closed}
        try:
            async with asyncio.timeout(ASK_SECONDS):
                await opening.still_held(self._log, self.lane, following)
        except opening.CursorOutsideLogError as gap:
            self._halt(gap)
            return False
        except (KafkaError, TimeoutError):
            return False
        return True

    def _pass_over(self) -> None:
        """The cursor follows the client over what is no record: the log may drop it like any other."""
        for position in self._positions.values():
            if position.pass_over(self._log.reached(position.partition)):
                self._ready[self._worker_of(position.partition)].set()

    async def _accept(self, records: list[Record], before: dict[int, Position]) -> None:
        runs: dict[int, list[Record]] = defaultdict(list)
        for record in records:
            runs[record.partition].append(record)
        behind_gaps: dict[Position, list[Record]] = {}
        for partition, run in runs.items():
            position = self._positions.get(partition)
            if position is None or position.closed:
                continue
            if before.get(partition) is not position:
                # Polled across a reset of the position: read again from the cursor, without a hole.
                self._log.seek(partition, position.cursor)
            elif run[0].offset > position.following:
                behind_gaps[position] = run
            else:
                self._take_in(position, run)
        if behind_gaps:
            await self._accept_behind(behind_gaps)

    async def _accept_behind(self, gaps: dict[Position, list[Record]]) -> None:
        """A gap is to be expected of transactions: nothing was given out of it, though the log still has it.

        All are asked about at once, which takes time. A partition may be opened anew meanwhile: then what was polled
        for it is not taken, and the client already reads from where the new position stands.
        """
        held = await self._held(gaps)
        for position, run in gaps.items():
            if self._positions.get(position.partition) is not position or position.closed:
                continue
            if held:
                self._take_in(position, run)
            else:
                self._log.seek(position.partition, position.following)

    def _take_in(self, position: Position, run: list[Record]) -> None:
        position.accept(run)
        self._ready[self._worker_of(position.partition)].set()

    def _press_back(self) -> None:
        """Pause partitions whose worker has enough, resume those whose worker has caught up."""
        waiting = [0] * self._settings.workers
        for position in self._positions.values():
            waiting[self._worker_of(position.partition)] += len(position.buffer)
        for position in self._positions.values():
            full = (
                self.halted is not None
                or waiting[self._worker_of(position.partition)] >= self._settings.backlog
            )
            if full != position.paused:
                (self._log.pause if full else self._log.resume)([position.partition])
                position.paused = full

    def _worker_of(self, partition: int) -> int:
        return partition % self._settings.workers

    # --- applying ------------------------------------------------------------------------------

    async def _work(self, worker: int) -> None:
        applier = Applier(self.lane, self._dsn, f"{self.lane.name}-{worker}", self._dedup)
        resting = Resting(self._redis, self.lane.rest)
        try:
            while True:
                self._idle[worker].set()
                await resting.rest()
                await self._ready[worker].wait()
                self._idle[worker].clear()
                with resting.working():
                    await self._work_off(worker, applier)
        finally:
            await applier.close()

    async def _work_off(self, worker: int, applier: Applier) -> None:
        async with self._turns.turn(sum(len(position.buffer) for position in self._positions.values())):
            await self._take_turn(worker, applier)

    async def _take_turn(self, worker: int, applier: Applier) -> None:
        mine = [p for p in self._positions.values() if self._worker_of(p.partition) == worker]
        taken = None if self.halted or self._stopping.is_set() else take(mine, self._settings.batch)
        if taken is None:
            self._ready[worker].clear()
            return
        try:
            await self._apply(taken, applier)
        except GivenUpError:
            log.info("batch_given_up", lane=self.lane.name)
        except StreamInvalidError as invalid:
            self._halt(invalid)
        finally:
            taken.let_go(halted=self.halted is not None)

    async def _apply(self, taken: Take, applier: Applier) -> None:
        decoded = decode(taken.records, self.lane.kinds)
        self._validity.observe(decoded)
        results = await applier.apply(
            Batch(taken.spans, tuple(decoded)), lambda: self._wanted(taken.positions.values())
        )
        await self._settled(taken, results)

    def _wanted(self, positions: Iterable[Position]) -> bool:
        """Whether a batch of these is still ours to try: what is not applied now is read again."""
        return not self._stopping.is_set() and not all(position.closed for position in positions)

    async def _settled(self, taken: Take, results: list[Result]) -> None:
        fenced = frozenset[int]().union(*(result.fenced for result in results))
        for span in taken.spans:
            if span.partition not in fenced:
                taken.positions[span.partition].cursor = span.stop
        self._metrics.applied(results, [r for r in taken.records if r.partition not in fenced])
        for result in results:
            self._telling.tell(result)
        await self._reset([span for span in taken.spans if span.partition in fenced])

    async def _reset(self, spans: list[Span]) -> None:
        """The fence refused: another worker, or our own commit of unknown outcome, moved the cursor."""
        owned = {s.partition: p for s in spans if (p := self._positions.get(s.partition)) and not p.closed}
        if not owned:
            return
        log.info("fenced", lane=self.lane.name, partitions=sorted(owned))
        try:
            cursors = await self._cursors(owned)
        except opening.CursorOutsideLogError as gap:
            self._halt(gap)
            return
        for partition, cursor in cursors.items():
            if self._positions.get(partition) is owned[partition] and not owned[partition].closed:
                self._open(partition, cursor)

    # --- offsets and health --------------------------------------------------------------------

    async def _commit(self, *, force: bool = False) -> None:
        """Tell Kafka lazily: its offsets are a hint and a measure of lag, no more (law 1)."""
        now = time.monotonic()
        if not force and now - self._committed_at < COMMIT_EVERY:
            return
        self._committed_at = now
        self._metrics.positions(self._positions.values(), self._ends.end)
        moved = [p for p in self._positions.values() if p.committed != p.cursor]
        offsets = {p.partition: p.cursor for p in moved}
        if offsets and await self._log.commit(offsets):
            for position in moved:
                position.committed = offsets[position.partition]
        elif offsets:
            self._metrics.commit_failed()
        crash_point("loop.offsets_committed")

    def _halt(self, reason: StreamInvalidError | opening.CursorOutsideLogError) -> None:
        """Stop and alarm; the process lives on so that the alarm stays up. A person restarts it."""
        self.halted = reason
        self._metrics.halted()
        log.critical("lane_halted", lane=self.lane.name, reason=str(reason))
