"""What SREs see of the outbox and of parked accounts: how many, how old; looked at beside the publishing."""

import asyncio
from typing import Final

import structlog
from asyncpg import PostgresError

from observability import metrics
from state.postgres import outbox, parking
from state.postgres.connection import PLANNED_ONCE, STORE_DOWN, Connection, connect

log = structlog.get_logger()

_GAUGES: Final = (
    *(metrics.OUTBOX_DEPTH, metrics.OUTBOX_OLDEST_SECONDS),
    *(metrics.PARKED_ACCOUNTS, metrics.PARKED_OLDEST_SECONDS),
)
_UNKNOWN: Final = float("nan")


class RelayGauges:
    """Looks every few seconds on a connection of its own. Each relay reports the same, so a query takes the maximum."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        for gauge in _GAUGES:
            gauge.set(_UNKNOWN)

    async def watch(self, seconds: float) -> None:
        """Report until cancelled, whatever PostgreSQL says. What can't be read stays as seen last, NaN before."""
        while True:
            try:
                connection = await connect(self._dsn, name="relay-gauges", planning=PLANNED_ONCE)
                try:
                    await self._report_on(connection, seconds)
                finally:
                    connection.terminate()
            except (*STORE_DOWN, PostgresError) as down:
                log.warning("outbox_not_counted", error=type(down).__name__)
            await asyncio.sleep(seconds)

    async def _report_on(self, connection: Connection, seconds: float) -> None:
        while True:
            await report(connection)
            await asyncio.sleep(seconds)


async def report(connection: Connection) -> None:
    """Set the gauges once."""
    for gauge, found in zip(
        _GAUGES, (*await outbox.depth(connection), *await parking.backlog(connection)), strict=True
    ):
        gauge.set(found)
