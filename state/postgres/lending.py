"""A few connections, lent for a short while each to work that does not keep one for itself."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from state.postgres.connection import STORE_DOWN, Connection, connect


class Connections:
    """At most `size` connections, opened when first needed and replaced when they broke."""

    def __init__(self, dsn: str, *, name: str, size: int) -> None:
        self._dsn, self._name = dsn, name
        self._room = asyncio.Semaphore(size)
        self._idle: list[Connection] = []

    @asynccontextmanager
    async def acquire(self) -> AsyncIterator[Connection]:
        """A connection outside of any transaction. Raises one of `STORE_DOWN`.

        One that an error or a cancellation came through may be in the middle of anything: nobody gets it again.
        """
        async with self._room:
            connection = await self._one()
            try:
                yield connection
            except BaseException:
                connection.terminate()
                raise
            self._idle.append(connection)

    async def close(self) -> None:
        """Close those that are not lent."""
        while self._idle:
            connection = self._idle.pop()
            with suppress(*STORE_DOWN):
                await connection.close(timeout=2)

    async def _one(self) -> Connection:
        while self._idle:
            connection = self._idle.pop()
            if not connection.is_closed():
                return connection
        return await connect(self._dsn, name=self._name)
