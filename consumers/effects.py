"""The effects member: claims what is owed to the outside, has it performed, and tells what came of it.

An effect is claimed with a lease that is extended while it is worked on. Marking it finished and writing
its result to the outbox is one transaction, which holds only while the lease does: a member that was
killed, stopped or cut off leaves the effect to the next one, which starts from what is on record.

A quarter of its hands is kept for work that somebody waits for: the others may all stand before a processor's limit.
"""

import asyncio
import itertools
import random
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import structlog

from consumers.effect_gauges import EffectGauges
from consumers.effect_run import EffectRun
from consumers.performing import Performer, Work
from observability.crash import crash_point
from state.postgres import effects
from state.postgres.connection import RETRY_NOW, STORE_DOWN
from state.postgres.lending import Connections

log = structlog.get_logger()

MAX_BACKOFF: Final = 5.0


@dataclass(frozen=True, slots=True)
class EffectsSettings:
    """Sizes and times of one process. Five sixths of `lease` must outlast the longest call of a performer."""

    concurrency: int = 16
    connections: int = 4
    lease: timedelta = timedelta(seconds=60)
    poll_seconds: float = 0.2
    gauge_seconds: float = 5.0
    keep_finished: timedelta = timedelta(days=14)
    stop_seconds: float = 15.0


class Effects:
    """Performs effects in one process; `worker` is its name for operators. `run` returns after `stop`."""

    def __init__(
        self, performers: Mapping[str, Performer], *, dsn: str, worker: str, settings: EffectsSettings
    ) -> None:
        self._performers, self._settings = performers, settings
        self._name, self._claims = f"{worker}-{secrets.token_hex(4)}", itertools.count(1)
        self._store = Connections(dsn, name=f"effects-{worker}", size=settings.connections)
        self._run = EffectRun(self._store, performers)
        self._for_others = max(1, settings.concurrency - settings.concurrency // 4)
        self._working: dict[asyncio.Task[None], Work] = {}
        self._stopping = asyncio.Event()
        self._room = asyncio.Event()
        self._failures = 0
        self.polled_at = time.monotonic()

    async def run(self) -> None:
        """Work until `stop` is called. Raises on defects of the member itself, which end the process."""
        gauges = EffectGauges(self._store, keep_finished=self._settings.keep_finished)
        try:
            async with asyncio.TaskGroup() as group:
                helpers = [
                    group.create_task(self._extend_leases()),
                    group.create_task(gauges.watch(self._settings.gauge_seconds)),
                ]
                await self._claim_until_stopped()
                await self._wind_up()
                for helper in helpers:
                    helper.cancel()
        finally:
            await self._store.close()

    def stop(self) -> None:
        """Claim nothing more; `run` returns when what is under way has ended."""
        self._stopping.set()
        self._room.set()

    # --- claiming ------------------------------------------------------------------------------

    async def _claim_until_stopped(self) -> None:
        while not self._stopping.is_set():
            self.polled_at = time.monotonic()
            self._room.clear()
            claimed = await self._claim(self._settings.concurrency - len(self._working))
            for work in claimed:
                self._start(work)
            if not claimed or len(self._working) >= self._settings.concurrency:
                await self._wait_for_room()

    async def _claim(self, free: int) -> list[Work]:
        kinds = [kind for kind, performer in self._performers.items() if performer.held_for() == 0]
        if not free or not kinds:
            return []
        unawaited = max(0, self._for_others - sum(one.effect.urgency > 0 for one in self._working.values()))
        worker = f"{self._name}-{next(self._claims)}"
        until = time.monotonic() + self._settings.lease.total_seconds()
        try:
            async with self._store.acquire() as connection:
                claimed = await effects.claim(
                    connection,
                    worker=worker,
                    kinds=kinds,
                    lease=self._settings.lease,
                    limit=free,
                    unawaited=unawaited,
                )
        except (*STORE_DOWN, *RETRY_NOW) as down:
            await self._store_down(down)
            return []
        self._failures = 0
        if claimed:
            crash_point("effects.claimed")
        return [Work(effect, worker, self._store, until) for effect in claimed]

    def _start(self, work: Work) -> None:
        task = asyncio.create_task(self._run.perform(work), name=f"effect-{work.effect.id}")
        self._working[task] = work
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        del self._working[task]
        self._room.set()
        if not task.cancelled() and (defect := task.exception()):
            log.error("effect_dropped", error=type(defect).__name__)

    async def _wait_for_room(self) -> None:
        """Until an effect ends or the next poll is due."""
        try:
            async with asyncio.timeout(self._settings.poll_seconds):
                await self._room.wait()
        except TimeoutError:
            return

    async def _store_down(self, down: BaseException) -> None:
        self._failures += 1
        delay = min(MAX_BACKOFF, 0.05 * 2**self._failures) * random.uniform(0.5, 1)  # noqa: S311
        log.warning("effects_store_down", error=type(down).__name__, retry_in=round(delay, 2))
        await asyncio.sleep(delay)

    # --- keeping and letting go ----------------------------------------------------------------

    async def _extend_leases(self) -> None:
        """Six times a lease, so that most of it is always left for a call. What can't be extended ends."""
        while True:
            await asyncio.sleep(self._settings.lease.total_seconds() / 6)
            held = list(self._working.values())
            if not held:
                continue
            until = time.monotonic() + self._settings.lease.total_seconds()
            try:
                async with self._store.acquire() as connection:
                    hands = [(work.effect, work.worker) for work in held]
                    ours = await effects.extend(connection, hands, lease=self._settings.lease)
            except (*STORE_DOWN, *RETRY_NOW) as down:
                log.warning("lease_not_extended", error=type(down).__name__)
                continue
            for work in held:
                work.until = until if work.effect.id in ours else 0.0

    async def _wind_up(self) -> None:
        """Let what is under way end; what takes too long is left to its lease."""
        if self._working:
            _, late = await asyncio.wait(self._working, timeout=self._settings.stop_seconds)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
