"""Batches gather company while little waits: a small one costs a worker nearly as much as one of dozens."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

CROWD: Final = 100
"""Records waiting from which on all workers of a process work at once."""
PATIENCE: Final = 0.02
"""Seconds after which a batch that takes long is not waited for any more."""


class Turns:
    """Workers of one process take turns, first come first served, until there is work for all."""

    def __init__(self) -> None:
        self._one = asyncio.Lock()

    @asynccontextmanager
    async def turn(self, waiting: int) -> AsyncIterator[None]:
        """Entered when no other turn is taken, when a crowd is `waiting`, or when patience is at its end."""
        held = waiting < CROWD and await self._taken()
        try:
            yield
        finally:
            if held:
                self._one.release()

    async def _taken(self) -> bool:
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                return await self._one.acquire()
        return False
