"""Waiting for outcomes: told through Redis when all is well, read from the journal when it is not.

The journal is asked with one statement for all who wait, so a hundred waiting requests cost what
one does; while Redis tells nothing it is asked more often and for everybody.
"""

import asyncio
import secrets
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import structlog
from asyncpg import PostgresError
from redis.asyncio import Redis

from observability.metrics import HTTP_WAITING, OUTCOMES_BY
from producers.http.pool import Pool, taken
from state.postgres import journal
from state.postgres.connection import STORE_DOWN
from state.postgres.journal import Outcome
from state.redis.connection import REDIS_DOWN
from state.redis.replies import listen

log = structlog.get_logger()

_EVERY: Final = 0.25
_EVERY_ALONE: Final = 0.05
"""Seconds between two looks into the journal, with and without Redis."""
_OVERDUE: Final = 0.1
"""Seconds after which Redis should have told."""
_RECONNECT: Final = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class _Waiting:
    future: asyncio.Future[Outcome]
    since: float


class Outcomes:
    """The outcomes one process waits for. `channel` is where the loop announces them."""

    def __init__(self, pool: Pool, redis: Redis, surface: str) -> None:
        self._pool, self._redis, self._surface = pool, redis, surface
        self.channel = f"replies:{secrets.token_hex(8)}"
        self._waiting: defaultdict[UUID, list[_Waiting]] = defaultdict(list)
        self._some = asyncio.Event()
        self._listening = False

    @contextmanager
    def expecting(self, command_id: UUID) -> Iterator[asyncio.Future[Outcome]]:
        """A future for the outcome, which is forgotten when the block ends. Enter it before publishing."""
        waiting = _Waiting(asyncio.get_running_loop().create_future(), time.monotonic())
        self._waiting[command_id].append(waiting)
        self._some.set()
        with HTTP_WAITING.labels(surface=self._surface).track_inprogress():
            try:
                yield waiting.future
            finally:
                self._forget(command_id, waiting)

    def _forget(self, command_id: UUID, waiting: _Waiting) -> None:
        company = self._waiting[command_id]
        company.remove(waiting)
        if not company:
            del self._waiting[command_id]
        if not self._waiting:
            self._some.clear()

    async def listen(self) -> None:
        """Tell what Redis tells, until cancelled."""
        while True:
            try:
                async with listen(self._redis, self.channel) as batches:
                    self._listening = True
                    async for outcomes in batches:
                        self._tell(outcomes, "redis")
            except (*REDIS_DOWN, ValueError, TypeError) as down:
                if self._listening:
                    log.warning("replies_lost", surface=self._surface, error=type(down).__name__)
                self._listening = False
                await asyncio.sleep(_RECONNECT)
            finally:
                # Nobody listens either when it ends otherwise: the journal is asked more often meanwhile.
                self._listening = False

    async def look(self) -> None:
        """Tell what the journal says, until cancelled."""
        while True:
            await self._some.wait()
            await asyncio.sleep(_EVERY if self._listening else _EVERY_ALONE)
            overdue = self._overdue()
            if not overdue:
                continue
            try:
                async with taken(self._pool) as connection:
                    found = await journal.known(connection, overdue)
            except (*STORE_DOWN, PostgresError) as down:
                log.warning("journal_unread", surface=self._surface, error=type(down).__name__)
                await asyncio.sleep(_RECONNECT)
                continue
            self._tell(found.values(), "journal")

    def _overdue(self) -> list[UUID]:
        before = time.monotonic() - (_OVERDUE if self._listening else 0)
        return [command_id for command_id, company in self._waiting.items() if company[0].since <= before]

    def _tell(self, outcomes: Iterable[Outcome], how: str) -> None:
        for outcome in outcomes:
            for waiting in self._waiting.get(outcome.command_id, ()):
                if not waiting.future.done():
                    waiting.future.set_result(outcome)
                    OUTCOMES_BY.labels(surface=self._surface, how=how).inc()
