"""What SREs see of effects that are not done: how many, how old; and finished ones forgotten in time."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Final

import structlog
from asyncpg import PostgresError

from consumers.performing import Store
from consumers.sync_effect import SYNC_EFFECT
from observability.metrics import EFFECTS_BACKLOG, EFFECTS_OLDEST_SECONDS, SYNC_STATES
from state.postgres import effects, stripe_customers
from state.postgres.connection import STORE_DOWN

log = structlog.get_logger()

_SYNC_NAMES: Final = {"open": "pending", "failed": "failed"}
"""At most one open and one failed sync stands for an account, so their rows count accounts."""
_SYNCED: Final = "synced"
_UNKNOWN: Final = float("nan")


class EffectGauges:
    """Reads the table every few seconds. Each process reports the same, so a query takes the maximum."""

    def __init__(self, store: Store, *, keep_finished: timedelta) -> None:
        self._store, self._keep_finished = store, keep_finished
        self._shown: set[tuple[str, str]] = set()

    async def watch(self, seconds: float) -> None:
        """Purge and report until cancelled, whatever PostgreSQL says to either: the effects go on beside it."""
        while True:
            try:
                await self.purge()
            except (*STORE_DOWN, PostgresError) as down:
                log.warning("effects_not_purged", error=type(down).__name__)
            try:
                await self.report()
            except (*STORE_DOWN, PostgresError) as down:
                self._forget()
                log.warning("effects_not_counted", error=type(down).__name__)
            await asyncio.sleep(seconds)

    async def purge(self) -> None:
        """Forget some of what is old enough. Before the counting, which takes long when much is not done."""
        async with self._store.acquire() as connection:
            await effects.purge(connection, datetime.now(UTC) - self._keep_finished)

    async def report(self) -> None:
        """Set the gauges from the table."""
        async with self._store.acquire() as connection:
            backlog = await effects.backlog(connection)
            accounts = await stripe_customers.estimated(connection)
        found: dict[tuple[str, str], tuple[int, float]] = {}
        for (target, _, state), (depth, oldest) in backlog.items():
            before = found.get((target, state), (0, 0.0))
            found[target, state] = (before[0] + depth, max(before[1], oldest))
        for target, state in self._shown | found.keys():
            depth, oldest = found.get((target, state), (0, 0.0))
            EFFECTS_BACKLOG.labels(target=target, state=state).set(depth)
            EFFECTS_OLDEST_SECONDS.labels(target=target, state=state).set(oldest)
        self._shown |= found.keys()
        out_of_step = {
            name: sum(d for (_, kind, s), (d, _) in backlog.items() if kind == SYNC_EFFECT and s == state)
            for state, name in _SYNC_NAMES.items()
        }
        synced = max(0, accounts - sum(out_of_step.values()))
        for name, count in {**out_of_step, _SYNCED: synced}.items():
            SYNC_STATES.labels(state=name).set(count)

    def _forget(self) -> None:
        """What can't be counted is not known: figures that stand still would look like figures."""
        for target, state in self._shown:
            EFFECTS_BACKLOG.labels(target=target, state=state).set(_UNKNOWN)
            EFFECTS_OLDEST_SECONDS.labels(target=target, state=state).set(_UNKNOWN)
        for name in (*_SYNC_NAMES.values(), _SYNCED):
            SYNC_STATES.labels(state=name).set(_UNKNOWN)
