"""The threads that the SDK's calls run in: who has a seat has a thread that is free now, for one call.

A call can't be called off: one that was given up keeps its seat until it really ends, so nothing ever queues.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeVar

T = TypeVar("T")


class Seat:
    """A free thread, for one call."""

    def __init__(self, pool: ThreadPoolExecutor) -> None:
        self._pool = pool
        self._call: asyncio.Future[Any] | None = None

    async def run(self, call: Callable[[], T], *, seconds: float) -> T:
        """What the call gives or raises; `TimeoutError` when it has not come back by then."""
        running = asyncio.get_running_loop().run_in_executor(self._pool, call)
        self._call = running
        ended, _ = await asyncio.wait({running}, timeout=seconds)
        if not ended:
            raise TimeoutError
        return running.result()

    def left(self, free: Callable[[], None]) -> None:
        """Nobody waits for the call any more: `free` the thread when it has ended."""

        def ended(call: asyncio.Future[Any]) -> None:
            if not call.cancelled():
                call.exception()  # nobody else may ask for it
            free()

        if self._call is None:
            free()
        else:
            self._call.add_done_callback(ended)


class Threads:
    """So many seats. Make it inside the running loop and close it there."""

    def __init__(self, seats: int) -> None:
        self._pool = ThreadPoolExecutor(seats, thread_name_prefix="braintree")
        self._seats, self._free = seats, asyncio.Semaphore(seats)

    @asynccontextmanager
    async def seat(self, patience: float) -> AsyncIterator[Seat | None]:
        """A seat as soon as one is free; None when that takes longer than `patience` seconds."""
        if not await self._taken(patience):
            yield None
            return
        seat = Seat(self._pool)
        try:
            yield seat
        finally:
            seat.left(self._free.release)

    async def close(self, patience: float) -> None:
        """Let calls under way end; one that takes longer than `patience` seconds is left behind."""
        with suppress(TimeoutError):
            async with asyncio.timeout(patience):
                for _ in range(self._seats):
                    await self._free.acquire()
        self._pool.shutdown(wait=False)

    async def _taken(self, patience: float) -> bool:
        try:
            async with asyncio.timeout(patience):
                await self._free.acquire()
        except TimeoutError:
            return False
        return True
