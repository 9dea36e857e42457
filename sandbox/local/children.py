"""What runs under a supervisor, written down so that a fault, a drill or the next start can find it."""

import json
import signal
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import psutil

from .files import write_whole
from .service import CannotStart, Say, Service

FILE = "children.json"
HELD = "held"
"""Folder in which a file named like a service keeps that service down."""

State = Literal["starting", "ready", "waiting", "held"]
"""`waiting` for its restart after a crash; `held` down on request until the request is withdrawn."""


@dataclass(frozen=True, slots=True)
class Child:
    """One service as it is now. `pid` is 0 while it does not run; `created` is Unix seconds."""

    state: State
    pid: int
    created: float
    stop_signal: int
    death_signal: int

    def process(self) -> psutil.Process | None:
        """The running process, unless it is gone or another one has its id by now."""
        try:
            process = psutil.Process(self.pid) if self.pid else None
            same = process is not None and abs(process.create_time() - self.created) < 2
        except psutil.NoSuchProcess:
            return None
        return process if process is not None and same and is_alive(process) else None


def child_of(service: Service, state: State, pid: int = 0) -> Child:
    """The record of a service whose process has just been started, or is down."""
    try:
        created = psutil.Process(pid).create_time() if pid else 0.0
    except psutil.NoSuchProcess:
        pid, created = 0, 0.0
    return Child(state, pid, created, int(service.stop_signal), int(service.death_signal))


def recorded(data: Path) -> dict[str, Child]:
    """The children by name; empty when nothing runs on this data folder."""
    try:
        return {name: Child(**fields) for name, fields in json.loads((data / FILE).read_text()).items()}
    except FileNotFoundError:
        return {}
    except (ValueError, TypeError, AttributeError, OSError) as error:
        raise CannotStart(
            f"{data / FILE}, the list of this stack's processes, cannot be read ({error}). Make sure that no "
            "server of an earlier run is left (`ps` shows them), then remove the file."
        ) from error


class Children:
    """The record of one supervisor, written whole at every change."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self._children: dict[str, Child] = {}

    def note(self, name: str, child: Child) -> None:
        self._children[name] = child
        write_whole(
            self._data / FILE, json.dumps({n: asdict(c) for n, c in self._children.items()}, indent=1)
        )

    def forget_all(self) -> None:
        self._children.clear()
        (self._data / FILE).unlink(missing_ok=True)


def end_leftovers(data: Path, say: Say) -> None:
    """End what an earlier supervisor left behind when it was killed; blocks, for up to 20 s a service.

    On Linux its children got their death signal and are gone, or about to be.
    """
    left = {name: process for name, child in recorded(data).items() if (process := child.process())}
    psutil.wait_procs(left.values(), timeout=2)
    for name, process in left.items():
        if is_alive(process):
            say(f"{name}: process {process.pid} was left by a run that did not end properly; stopping it")
            _end(process, recorded(data)[name].stop_signal)


def _end(process: psutil.Process, stop_signal: int) -> None:
    tree = family(process.pid)
    signal_all(tree[:1], signal.Signals(stop_signal))
    resume(tree)
    psutil.wait_procs(tree[:1], timeout=10)
    end_at_once(tree)
    psutil.wait_procs(tree, timeout=10)


def family(pid: int) -> list[psutil.Process]:
    """The process and all its descendants, parents first; empty when it is gone."""
    try:
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def signal_all(processes: list[psutil.Process], what: signal.Signals) -> None:
    """Signal whichever of these still run. psutil compares start times: a stranger is never hit."""
    _each(processes, lambda process: process.send_signal(what))


def resume(processes: list[psutil.Process]) -> None:
    """Let go on what was paused: a stopped process would never see the signal to end."""
    _each(processes, psutil.Process.resume)


def end_at_once(processes: list[psutil.Process]) -> None:
    """SIGKILL whichever of these still run."""
    _each(processes, psutil.Process.kill)


def is_alive(process: psutil.Process) -> bool:
    """Whether the process runs; one that only waits for its parent to notice its end does not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _each(processes: list[psutil.Process], act: Callable[[psutil.Process], None]) -> None:
    for process in processes:
        try:
            act(process)
        except psutil.NoSuchProcess:
            continue
