"""The `schedule` member: the clock as a producer, which publishes what is due as commands on the bulk lane.

A command's id follows from its account and the day, so that a second process, a restart or another round of the same
day publish duplicates, which come to nothing. So nobody has to remember what was published.
"""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, time, timedelta
from typing import Final

from handlers.card_expiry import WARNED_AHEAD
from observability.metrics import SCHEDULED
from producers.publisher import Publisher
from producers.rounds import go_round
from producers.trace import traceparent
from state.postgres import payment_methods
from state.postgres.lending import Connections
from topics.codec import encode_body
from topics.ids import derived_uuid7
from topics.message import Actor, Envelope, Role
from topics.payment_methods import ReviewCardExpiry
from topics.table import BULK

ACTOR: Final = Actor("schedule", Role.SYSTEM, "/schedule")
EVERY: Final = timedelta(hours=1)
RETRY: Final = timedelta(seconds=10)
PAGE: Final = 500


class Schedule:
    """Publishes what is due, `every` so often. `run` returns after `stop`."""

    def __init__(
        self, *, dsn: str, bootstrap: str, client_id: str, topic: str = BULK.name, every: timedelta = EVERY
    ) -> None:
        self._store, self._every, self._topic = Connections(dsn, name="schedule", size=1), every, topic
        self._bootstrap, self._client_id = bootstrap, client_id
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Go round until stopped; a store that is away is tried again."""
        try:
            async with Publisher(self._bootstrap, client_id=self._client_id) as publisher:

                async def once() -> timedelta:
                    await self.round(publisher, datetime.now(UTC))
                    return self._every

                await go_round(once, self._stopping, name="schedule", retry=RETRY)
        finally:
            await self.close()

    async def close(self) -> None:
        """Close what was used without `run`."""
        await self._store.close()

    def stop(self) -> None:
        """Leave `run` after the page under way."""
        self._stopping.set()

    async def round(self, publisher: Publisher, now: datetime) -> int:
        """Publish all that is due on this day; gives how many commands.

        Raises `NotPublishedError` and what PostgreSQL raises.
        """
        midnight = datetime.combine(now.date(), time(), UTC)
        published = 0
        async for page in self._cards(now):
            await asyncio.gather(*(self._review(publisher, account_id, midnight) for account_id in page))
            published += len(page)
            SCHEDULED.labels(type=ReviewCardExpiry.type).inc(len(page))
            if self._stopping.is_set():
                break
        return published

    async def _cards(self, now: datetime) -> AsyncIterator[list[str]]:
        """Accounts with an active card that is past, or has to be warned of."""
        before, after = (now + WARNED_AHEAD).date(), ""
        while True:
            async with self._store.acquire() as connection:
                page = await payment_methods.expiring(connection, before, after=after, limit=PAGE)
            if page:
                yield page
            if len(page) < PAGE:
                return
            after = page[-1]

    async def _review(self, publisher: Publisher, account_id: str, midnight: datetime) -> None:
        moment = int(midnight.timestamp() * 1000)
        command = ReviewCardExpiry()
        command_id = derived_uuid7(moment, command.type.encode(), account_id.encode())
        envelope = Envelope(command_id, command.type, account_id, ACTOR, traceparent=traceparent(None))
        await publisher.publish(self._topic, envelope, encode_body(command))
