"""Keeps one service running: starts it, waits until it is ready, starts it again when it crashes."""

import asyncio
import os
import signal
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import psutil

from .children import HELD, Children, State, child_of, end_at_once, family, resume
from .folder import broken
from .launch import describe_exit, launch
from .logs import log_file, opened, tail
from .service import CannotStart, Say, Service

FIRST_DELAY = 0.25
LONGEST_DELAY = 10.0
LONGEST_PROBE = 5.0
STEADY = 30.0
"""Seconds up after which an earlier crash no longer counts: the next restart comes quickly again."""


class Keeper:
    """Owns the process of one service. `keep` runs until cancelled; `stop` then ends the process."""

    def __init__(self, service: Service, *, data: Path, children: Children, say: Say) -> None:
        self.service = service
        self.ready = asyncio.Event()
        self._data = data
        self._log = log_file(data, service.name)
        self._children = children
        self._say = say
        self._process: asyncio.subprocess.Process | None = None

    async def keep(self, needs: Sequence[asyncio.Event]) -> None:
        """Start once the needs are met, and never stop starting.

        Raises CannotStart when the first start fails, or the data folder cannot be written any more.
        """
        for need in needs:
            await need.wait()
        try:
            await self._start_first()
            await self._restart_for_ever()
        except OSError as error:
            raise CannotStart(
                f"{self.service.name} cannot be run: {error.strerror or error} ({error.filename or self._data}). "
                "Check that the disk of the data folder is there, has room, and that you may write to it."
            ) from error

    async def stop(self, impatient: asyncio.Event) -> None:
        """Ask for an orderly stop; after the service's deadline, or when impatient, kill what is left."""
        process = self._process
        if process is None or process.returncode is not None:
            return
        tree = family(process.pid)
        _signal(process, self.service.stop_signal)
        resume(tree)
        gone, hurry = asyncio.ensure_future(process.wait()), asyncio.ensure_future(impatient.wait())
        await asyncio.wait(
            {gone, hurry}, timeout=self.service.stop_seconds, return_when=asyncio.FIRST_COMPLETED
        )
        hurry.cancel()
        if not gone.done():
            self._tell("does not stop; killing it")
            _signal(process, signal.SIGKILL)
        await gone
        self._sweep(process.pid, tree)

    async def _start_first(self) -> None:
        folder = self.service.folder
        had_data = folder is not None and folder.exists()
        if self.service.prepare is not None:
            await self.service.prepare(self._tell)
        began = time.monotonic()
        await self._start()
        if not await self._becomes_ready():
            raise self._no_start(had_data=had_data)
        self._tell(f"ready in {time.monotonic() - began:.1f} s")
        self.ready.set()

    async def _restart_for_ever(self) -> None:
        crashes = 0
        while True:
            began = time.monotonic()
            assert self._process is not None
            code = await self._process.wait()
            self._sweep(self._process.pid, [])
            if not self._is_held():
                crashes = 1 if time.monotonic() - began > STEADY else crashes + 1
                await self._wait_after_crash(code, crashes)
            await self._while_held()
            await self._start()
            if await self._becomes_ready():
                self._tell("ready again")
            else:
                self._kill_hung()

    async def _wait_after_crash(self, code: int, crashes: int) -> None:
        delay = min(FIRST_DELAY * 2 ** min(crashes - 1, 10), LONGEST_DELAY)
        self._note("waiting")
        self._tell(f"stopped unexpectedly ({describe_exit(code)}), starting it again; log: {self._log}")
        await asyncio.sleep(delay)

    async def _while_held(self) -> None:
        if not self._is_held():
            return
        self._note("held")
        self._tell("stopped on request, until the request is withdrawn")
        while self._is_held():
            await asyncio.sleep(0.05)

    def _is_held(self) -> bool:
        return (self._data / HELD / self.service.name).exists()

    async def _start(self) -> None:
        with opened(self._log) as log:
            self._process = await launch(
                self.service.argv,
                output=log,
                env=self.service.env,
                cwd=self.service.cwd,
                owner=self.service.owner,
                death_signal=self.service.death_signal,
            )
        self._note("starting", self._process.pid)

    async def _becomes_ready(self) -> bool:
        """True when the service answers; False when it ended first or took longer than it may."""
        assert self._process is not None
        deadline = time.monotonic() + self.service.ready_seconds
        while self._process.returncode is None and time.monotonic() < deadline:
            if await self._answers() and self._process.returncode is None:
                self._note("ready", self._process.pid)
                return True
            await asyncio.sleep(0.05)
        return False

    async def _answers(self) -> bool:
        try:
            async with asyncio.timeout(LONGEST_PROBE):  # wait_for may swallow our own cancellation
                return await self.service.ready()
        except TimeoutError:
            return False

    def _no_start(self, *, had_data: bool) -> CannotStart:
        assert self._process is not None
        code = self._process.returncode
        what = (
            f"ended before it was ready ({describe_exit(code)})"
            if code is not None
            else f"was not ready after {self.service.ready_seconds:.0f} s"
        )
        words = f"{self.service.name} {what}. Its log, {self._log}, ends with:\n{tail(self._log)}"
        if self.service.folder is None or not had_data:
            return CannotStart(words)
        advice = broken(self.service.folder, "is broken, if that is what the log says", data=self._data)
        return CannotStart(f"{words}\n{advice}")

    def _kill_hung(self) -> None:
        """A restarted process that never gets ready counts as one more crash."""
        assert self._process is not None
        _signal(self._process, signal.SIGKILL)

    def _sweep(self, pid: int, tree: list[psutil.Process]) -> None:
        """Nothing of an ended process stays: neither its group nor the descendants it had."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)
        end_at_once(tree)

    def _note(self, state: State, pid: int = 0) -> None:
        self._children.note(self.service.name, child_of(self.service, state, pid))

    def _tell(self, words: str) -> None:
        self._say(f"{self.service.name}: {words}")


def _signal(process: asyncio.subprocess.Process, what: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        process.send_signal(what)
