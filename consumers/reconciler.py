"""The reconciler: from events to owed syncs of Stripe customers, and to who shares one.

Level-triggered: an event only says which account to look at, so a batch becomes one set of coalesced
effects, and reading it twice asks for nothing new.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from consumers.dead_letters import count as count_dead
from consumers.light import LightConsumer
from consumers.stripe_notices import noticed
from consumers.stripe_owed import owe
from observability.crash import crash_point
from state.postgres.lending import Connections
from topics.message import Record
from topics.table import EVENTS

LANE: Final = "reconciler"
GROUP: Final = "billing.reconciler"
BATCH_TIMEOUT_MS: Final = 100
GAUGE_SECONDS: Final = 5.0


class Reconciler:
    """Host `broker` in an application beside `run`; the broker is stopped before `stop` is called."""

    def __init__(
        self, *, dsn: str, bootstrap: str, client_id: str, topic: str = EVENTS.name, group: str = GROUP
    ) -> None:
        self._store, self._group = Connections(dsn, name=LANE, size=1), group
        self._stopping = asyncio.Event()
        self._consumer = LightConsumer(
            self.reconcile,
            lane=LANE,
            topics=(topic,),
            group=group,
            bootstrap=bootstrap,
            client_id=client_id,
            wait_ms=BATCH_TIMEOUT_MS,
        )
        self.broker = self._consumer.broker

    async def run(self) -> None:
        """Report lag until `stop`, then close what was used."""
        try:
            while not self._stopping.is_set():
                await self._consumer.report()
                with suppress(TimeoutError):
                    async with asyncio.timeout(GAUGE_SECONDS):
                        await self._stopping.wait()
        finally:
            await self._store.close()

    @property
    def polled_at(self) -> float:
        """When it last read."""
        return self._consumer.polled_at

    def stop(self) -> None:
        """Leave `run`."""
        self._stopping.set()

    async def reconcile(self, records: Sequence[Record]) -> None:
        """Owe what a batch of events asks for. Raises what the store raises; then nothing is owed."""
        notices = noticed(records)
        async with self._store.acquire() as connection:
            await owe(connection, notices, self._group)
        for rejected in notices.rejected:
            count_dead(LANE, rejected.reason, rejected.record.topic)
        crash_point("reconciler.stored")
