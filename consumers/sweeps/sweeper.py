"""The sweeps member: a full sweep once a day or when asked for, recent changes, rounds of PayPal, figures of all.

One process of the fleet does each at a time, by a lease in PostgreSQL; whoever follows one that was killed goes on
where it stood.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

import structlog
from asyncpg import PostgresError

from consumers.performers.stripe_answers import PostponedError, RefusedError
from consumers.sweeps.asking import Processors
from consumers.sweeps.examination import SETTLE, Examination
from consumers.sweeps.gauges import DriftGauges
from consumers.sweeps.patience import PATIENCE
from consumers.sweeps.recent import BEHIND, RELOOK, WINDOW, Recent
from consumers.sweeps.rounds import NO_SOONER, Rounds
from consumers.sweeps.rounds import PAUSE as ROUND_PAUSE
from consumers.sweeps.walk import FIRST, Step, Walk, following, together
from observability.crash import crash_point
from observability.metrics import SWEPT_ACCOUNTS
from state.postgres import drift, sweeps
from state.postgres.connection import RETRY_NOW, STORE_DOWN
from state.postgres.lending import Connections
from state.postgres.sweeps import Counts, Sweep, SweepLostError

log = structlog.get_logger()

LEASE: Final = timedelta(minutes=2)
PAUSE: Final = timedelta(seconds=5)
"""After a failure of a processor or of PostgreSQL."""
AFTER_DEFECT: Final = timedelta(minutes=1)
KEEP_HISTORY: Final = timedelta(days=90)
LET_GO: Final = timedelta(seconds=10)
"""How long a stop waits for a step, which may stand behind everybody else for room at a processor without end."""
RELEASE: Final = timedelta(seconds=3)
"""For giving the leases back; without, they run out."""


@dataclass(frozen=True, slots=True)
class SweepSettings:
    """Times of one process. `every` is between the beginnings of full sweeps; None: only when asked for.

    The payment methods of all accounts are gone through in `method_parts` sweeps. After `patience` a sweep goes on
    without a Braintree that does not answer.
    """

    every: timedelta | None = timedelta(days=1)
    method_parts: int = 1
    poll: timedelta = timedelta(seconds=5)
    recent: timedelta = timedelta(minutes=1)
    settle: timedelta = SETTLE
    patience: timedelta = PATIENCE
    behind: timedelta = BEHIND
    relook: timedelta = RELOOK
    round_pause: timedelta = ROUND_PAUSE
    round_no_sooner: timedelta = NO_SOONER


class Sweeper:
    """Sweeps in one process; `worker` is its name for operators. `run` returns after `stop`."""

    def __init__(
        self, processors: Processors, *, dsn: str, worker: str, settings: SweepSettings | None = None
    ) -> None:
        self._settings, self._worker = settings or SweepSettings(), worker
        self._store = Connections(dsn, name=f"sweeps-{worker}", size=4)
        examination = Examination(self._store, processors, settle=self._settings.settle)
        self.examination = examination
        self._walk = Walk(
            examination,
            processors,
            method_parts=self._settings.method_parts,
            patience=self._settings.patience,
        )
        self.recent = Recent(
            examination, processors, behind=self._settings.behind, relook=self._settings.relook
        )
        self._rounds = Rounds(
            examination, processors, worker=worker, no_sooner=self._settings.round_no_sooner
        )
        self._gauges = DriftGauges(self._store)
        self._stopping = asyncio.Event()
        self._followed = -self._settings.recent.total_seconds()

    async def run(self) -> None:
        """Work until `stop` is called. Raises on defects, which end the process."""
        try:
            async with asyncio.TaskGroup() as group:
                pauses = dict.fromkeys(
                    (self.sweep_on, self.watch, self._gauges.report), self._settings.poll
                ) | {self.go_round: self._settings.round_pause}
                tasks = [group.create_task(self._again_and_again(*one)) for one in pauses.items()]
                await self._stopping.wait()
                await self._let_go(tasks)
        finally:
            await self.close()

    async def close(self) -> None:
        """Close what was used without `run`."""
        await self._store.close()

    def stop(self) -> None:
        """Return from `run` with the step under way done, or let go when it takes long: the next worker repeats it."""
        self._stopping.set()

    async def _let_go(self, tasks: Collection[asyncio.Task[None]]) -> None:
        _, late = await asyncio.wait(tasks, timeout=LET_GO.total_seconds())
        for one in late:
            log.info("sweep_step_let_go")
            one.cancel()
        await asyncio.wait(tasks)
        try:
            async with asyncio.timeout(RELEASE.total_seconds()), self._store.acquire() as connection:
                await sweeps.release(connection, self._worker)
        except (*STORE_DOWN, PostgresError, TimeoutError) as down:
            log.warning("sweeps_not_released", error=type(down).__name__)

    async def _again_and_again(self, work: Callable[[], Awaitable[bool]], pause: timedelta) -> None:
        """Until stopped: at once while there is more to do, else after a pause."""
        while not self._stopping.is_set():
            try:
                more = await work()
            except (*STORE_DOWN, *RETRY_NOW) as down:
                log.warning("sweep_store_down", error=type(down).__name__)
                more = False
            if not more:
                await self._rest(pause)

    async def _rest(self, pause: timedelta) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(pause.total_seconds()):
                await self._stopping.wait()

    # --- everything ----------------------------------------------------------------------------

    async def sweep_on(self) -> bool:
        """Do one step of the sweep under way, beginning one when it is time; whether there is more to do."""
        async with self._store.acquire() as connection:
            sweep = await sweeps.take(connection, self._worker, LEASE)
            if sweep is None:
                return await self._begin()
        counts = Counts()
        try:
            step = await self._walk.step(sweep, counts)
            await together(
                self.examination.look(one, counts, vault_too=step.vault_too) for one in step.suspects
            )
            counts.suspects += len(step.suspects)
            crash_point("sweeps.looked")
            return await self._move(sweep, step, counts)
        except SweepLostError:
            log.warning("sweep_lost", sweep=sweep.id)
        except PostponedError as postponed:
            await self._later(sweep, postponed.outcome.cause, postponed.outcome.after)
        except RefusedError as refused:
            log.warning("sweep_refused", sweep=sweep.id, phase=sweep.phase, reason=refused.refused.reason)
            await self._later(sweep, refused.refused.reason, None)
        except (*STORE_DOWN, *RETRY_NOW):
            raise
        except Exception as defect:
            log.exception("sweep_step_failed", sweep=sweep.id, phase=sweep.phase)
            await self._later(sweep, f"{type(defect).__name__} in a step", AFTER_DEFECT)
        return False

    async def _begin(self) -> bool:
        if self._settings.every is None:
            return False
        async with self._store.acquire() as connection:
            since = await sweeps.seconds_since_begun(connection)
            if since is not None and since < self._settings.every.total_seconds():
                return False
            return await sweeps.ask(connection, FIRST) is not None

    async def _move(self, sweep: Sweep, step: Step, counts: Counts) -> bool:
        SWEPT_ACCOUNTS.inc(counts.accounts)
        phase = sweep.phase if step.place is not None else following(sweep.phase)
        async with self._store.acquire() as connection:
            await sweeps.move(
                connection,
                sweep,
                self._worker,
                counts,
                phase=phase or sweep.phase,
                place=step.place or None,
                lease=LEASE,
            )
            crash_point("sweeps.moved")
            if phase is None:
                await sweeps.finish(connection, sweep, self._worker)
                log.info("sweep_done", sweep=sweep.id, accounts=sweep.accounts + counts.accounts)
        return phase is not None

    async def _later(self, sweep: Sweep, cause: str, after: timedelta | None) -> None:
        async with self._store.acquire() as connection:
            await sweeps.failed(connection, sweep, self._worker, cause, retry_in=after or PAUSE)
        await asyncio.sleep(min((after or PAUSE).total_seconds(), self._settings.poll.total_seconds()))

    # --- what changed --------------------------------------------------------------------------

    async def watch(self) -> bool:
        """Look at open differences, and every minute at recent changes; whether there is more to do."""
        async with self._store.acquire() as connection:
            if not await sweeps.lead(connection, WINDOW, self._worker, LEASE):
                return False
        counts, more = Counts(), False
        try:
            await self.recent.look_again(counts)
            if time.monotonic() - self._followed >= self._settings.recent.total_seconds():
                more = await self.recent.follow(counts)
                if not more:
                    self._followed = time.monotonic()
        except PostponedError as postponed:
            log.info("recent_changes_postponed", cause=postponed.outcome.cause)
            return False
        except RefusedError as refused:
            log.warning("recent_changes_refused", reason=refused.refused.reason)
            return False
        async with self._store.acquire() as connection:
            await drift.purge(connection, KEEP_HISTORY)
        return more

    # --- PayPal --------------------------------------------------------------------------------

    async def go_round(self) -> bool:
        """Look at a page of the accounts that pay by PayPal, if it is time; there is never more to do at once."""
        try:
            await self._rounds.page(Counts(), LEASE)
        except PostponedError as postponed:
            log.info("round_postponed", cause=postponed.outcome.cause)
            await self._rest(postponed.outcome.after or PAUSE)
        except RefusedError as refused:
            log.warning("round_refused", reason=refused.refused.reason)
            await self._rest(AFTER_DEFECT)
        except (*STORE_DOWN, *RETRY_NOW):
            raise
        except Exception:
            log.exception("round_failed")
            await self._rest(AFTER_DEFECT)
        return False


def impatient(settings: SweepSettings) -> SweepSettings:
    """The same without waiting for anything to settle: for a fleet that is at rest."""
    nothing = timedelta(0)
    return replace(settings, settle=nothing, behind=nothing, relook=nothing, round_no_sooner=nothing)
