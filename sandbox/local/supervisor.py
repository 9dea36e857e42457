"""Starts services in order, keeps them running, and leaves nothing behind when it ends."""

import asyncio
import shutil
import signal
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from .children import HELD, Children, end_leftovers
from .console import say as say_on_console
from .folder import claimed
from .keeper import Keeper
from .ports import require_free
from .service import Say, Service, in_starting_order
from .terminal import closed, watched


class Supervisor:
    """Runs services on a data folder of its own.

    `await Supervisor(services, data=folder).run()` runs until Ctrl-C, SIGTERM or a closed terminal; a second
    Ctrl-C kills at once. As an asynchronous context manager it has everything ready inside the block and stops
    it at the end. Both raise CannotStart, with everything stopped again, when a service cannot run.
    `when_claimed` is called once the folder is this run's and before anything else is done.
    """

    def __init__(
        self,
        services: Sequence[Service],
        *,
        data: Path,
        say: Say = say_on_console,
        when_claimed: Callable[[], None] = lambda: None,
    ) -> None:
        self._services = in_starting_order(tuple(services))
        self._data = data
        self._say = say
        self._when_claimed = when_claimed
        self._children = Children(data)
        self._held_open = ExitStack()
        self._keepers: dict[str, Keeper] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._asked_to_stop = asyncio.Event()
        self._impatient = asyncio.Event()

    async def run(self, *, when_ready: Callable[[], Awaitable[None]] | None = None) -> None:
        """Run until told to stop; `when_ready` is awaited once, after everything is ready."""
        with self._listening():
            work = asyncio.create_task(self._serve(when_ready))
            asked = asyncio.create_task(self._asked_to_stop.wait())
            try:
                await asyncio.wait({work, asked}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                asked.cancel()
                work.cancel()
                await asyncio.wait({work})
                await self.stop()
            if not work.cancelled():
                work.result()

    async def start(self) -> None:
        """Everything ready, or CannotStart with everything stopped again."""
        try:
            self._held_open.enter_context(claimed(self._data))
            self._when_claimed()
            await asyncio.to_thread(end_leftovers, self._data, self._say)
            self._children.forget_all()
            _empty(self._data / HELD)
            require_free(self._services)
            await self._start_all()
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Stop each service after those that need it, and give the data folder back."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()
        stopped = {name: asyncio.Event() for name in self._keepers}
        await asyncio.gather(*(self._stop_in_turn(keeper, stopped) for keeper in self._keepers.values()))
        if self._keepers:
            self._children.forget_all()
        self._keepers.clear()
        self._held_open.close()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def _serve(self, when_ready: Callable[[], Awaitable[None]] | None) -> None:
        await self.start()
        if when_ready is not None:
            await when_ready()
        await asyncio.gather(*self._tasks)

    async def _start_all(self) -> None:
        self._keepers = {
            service.name: Keeper(service, data=self._data, children=self._children, say=self._say)
            for service in self._services
        }
        self._tasks = [
            asyncio.create_task(keeper.keep([self._keepers[need].ready for need in keeper.service.after]))
            for keeper in self._keepers.values()
        ]
        ready = asyncio.create_task(self._all_ready())
        try:
            await asyncio.wait({ready, *self._tasks}, return_when=asyncio.FIRST_COMPLETED)
            for task in self._tasks:
                if task.done():
                    task.result()
        finally:
            ready.cancel()

    async def _all_ready(self) -> None:
        for keeper in self._keepers.values():
            await keeper.ready.wait()

    async def _stop_in_turn(self, keeper: Keeper, stopped: dict[str, asyncio.Event]) -> None:
        name = keeper.service.name
        for other in self._services:
            if name in other.after:
                await stopped[other.name].wait()
        await keeper.stop(self._impatient)
        stopped[name].set()

    @contextmanager
    def _listening(self) -> Iterator[None]:
        """Hear the signals that mean stop, but leave SIGHUP ignored under nohup."""
        loop = asyncio.get_running_loop()
        watching = asyncio.create_task(self._watch(watched()))
        heard = {signal.SIGINT: self._hear, signal.SIGTERM: self._hear}
        if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
            heard[signal.SIGHUP] = self._hang_up
        for number, answer in heard.items():
            loop.add_signal_handler(number, answer)
        try:
            yield
        finally:
            watching.cancel()
            for number in heard:
                loop.remove_signal_handler(number)

    async def _watch(self, terminals: tuple[int, ...]) -> None:
        await closed(terminals)
        self._hang_up()

    def _hear(self) -> None:
        if self._asked_to_stop.is_set():
            self._impatient.set()
            return
        self._asked_to_stop.set()
        self._say("stopping (once more to kill)")

    def _hang_up(self) -> None:
        """Told twice, by the signal and by the terminal, and still one request: never an impatient one."""
        if not self._asked_to_stop.is_set():
            self._hear()


def _empty(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
