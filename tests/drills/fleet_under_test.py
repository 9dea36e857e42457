"""Real processes of the fleet: started, killed, paused, armed to die at a point, and started again."""

import asyncio
import json
import signal
import sys
import time
from collections import Counter, deque
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import httpx
import psutil
from prometheus_client.parser import text_string_to_metric_families

from sandbox.local.launch import launch
from sandbox.local.ports import free_ports
from tests import plain_http
from tests.drills.servers import ROOT

RESTART_AFTER: Final = 0.1
READY_SECONDS: Final = 90.0
STOP_SECONDS: Final = 40.0
ORDERLY: Final = (0, -signal.SIGTERM)
"""uvicorn shuts down in order and then lets the signal end the process."""
GRAVE: Final = frozenset(
    {
        "effect_dropped",
        "handler_failed",
        "lane_halted",
        "member_failed",
        "member_killed",
        "message_suspected",
        "message_tried_again",
        "performer_failed",
        "reconciler_failed",
    }
)
"""Log events that no breakage of a drill excuses."""


@dataclass(slots=True)
class Unit:
    """One process by name, started again whenever it ends until it is told to stop.

    `points` are crash points still to be tried: each start is armed with the next one.
    """

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    folder: Path
    points: deque[str] = field(default_factory=deque)
    armed: str | None = None
    died_at: Counter[str] = field(default_factory=Counter)
    """How often the process died at each crash point; `killed` when it was killed from outside."""
    starts: int = 0
    port: int = 0
    gone: dict[str, float] = field(default_factory=dict)
    """Prometheus counters of the lives that ended, by series, as far as they were seen."""
    latest: dict[str, float] = field(default_factory=dict)
    excused_until: float = 0.0
    """Monotonic seconds: while a server is down a process that starts may give up."""
    unexpected: list[str] = field(default_factory=list)
    wanted: bool = True
    paused: bool = False
    _process: asyncio.subprocess.Process | None = None
    _task: asyncio.Task[None] | None = None
    _killed: bool = False

    @property
    def url(self) -> str:
        """Where its health and metrics are."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def running(self) -> bool:
        """Whether there is a process now."""
        return self._process is not None and self._process.returncode is None

    def start(self) -> None:
        """Begin to keep the process."""
        self._task = asyncio.create_task(self._keep(), name=self.name)

    def kill(self) -> None:
        """SIGKILL, as by power loss."""
        if self._process is not None and self.running:
            self._killed = True
            self._process.kill()

    def pause(self) -> None:
        """SIGSTOP: connections stay open, nothing moves."""
        self._signal(signal.SIGSTOP)
        self.paused = True

    def resume(self) -> None:
        """SIGCONT."""
        self._signal(signal.SIGCONT)
        self.paused = False

    @property
    def stopped(self) -> bool:
        """Whether it stopped itself at its crash point."""
        if self._process is None or not self.running:
            return False
        with suppress(psutil.NoSuchProcess):
            return psutil.Process(self._process.pid).status() == psutil.STATUS_STOPPED
        return False

    def arm(self, points: Iterable[str]) -> None:
        """Let the process die at each of these points, one after the other: it is started anew for the first."""
        self.points.extend(points)
        self.kill()

    def disarm(self) -> None:
        """Let it live: the points that are left are not tried any more."""
        self.points.clear()
        if self.armed:
            self.kill()
            self.armed = None

    @property
    def tried(self) -> bool:
        """Whether it died at each of its points."""
        return not self.armed and not self.points

    @property
    def armed_points(self) -> list[str]:
        """Points at which it has still to die."""
        return [*([self.armed] if self.armed else []), *self.points]

    async def stop(self) -> None:
        """SIGTERM, and wait; what does not end is noted and killed."""
        self.wanted = False
        if self.paused:
            self.resume()
        self._signal(signal.SIGTERM)
        if self._task is None:
            return
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await asyncio.shield(self._task)
        except TimeoutError:
            self.unexpected.append(f"{self.name} did not stop within {STOP_SECONDS:.0f} s of SIGTERM")
            self.kill()
            await self._task

    async def ready(self) -> None:
        """Wait until it says that it is fit for work."""
        async with asyncio.timeout(READY_SECONDS), plain_http.client(timeout=2) as client:
            while True:
                with suppress(httpx.HTTPError):
                    if (await client.get(f"{self.url}/readyz")).is_success:
                        return
                await asyncio.sleep(0.1)

    async def scrape(self, client: httpx.AsyncClient) -> None:
        """Remember its counters; a process that is killed takes later ones with it."""
        with suppress(httpx.HTTPError):
            text = (await client.get(f"{self.url}/metrics")).raise_for_status().text
            self.latest = {
                f"{sample.name}{json.dumps(sample.labels, sort_keys=True)}": sample.value
                for family in text_string_to_metric_families(_counters(text))
                for sample in family.samples
                if sample.name.endswith("_total")
            }

    def _signal(self, what: signal.Signals) -> None:
        if self._process is not None and self.running:
            with suppress(ProcessLookupError):
                self._process.send_signal(what)

    async def _keep(self) -> None:
        while self.wanted:
            self.armed = self.points.popleft() if self.points else None
            code = await self._once()
            for series, value in self.latest.items():
                self.gone[series] = self.gone.get(series, 0) + value
            self.latest = {}
            self._note_end(code)
            if self.wanted:
                await asyncio.sleep(RESTART_AFTER)

    async def _once(self) -> int:
        self.starts += 1
        env = {**self.environment, **({"CRASH_AT": self.armed} if self.armed else {})}
        with (self.folder / f"{self.name}-{self.starts}.log").open("wb") as output:
            self._process = await launch(self.command, output=output, env=env, cwd=ROOT)
        try:
            return await self._process.wait()
        except asyncio.CancelledError:
            self._process.kill()
            await self._process.wait()
            raise

    def _note_end(self, code: int) -> None:
        if code == -signal.SIGKILL and self._killed:
            self.died_at["killed"] += 1
            if self.armed:
                self.points.appendleft(self.armed)
        elif code == -signal.SIGKILL and self.armed:
            self.died_at[self.armed] += 1
        elif self.wanted and time.monotonic() > self.excused_until:
            self.unexpected.append(f"{self.name}, start {self.starts}, ended with {code} by itself")
        elif not self.wanted and code not in ORDERLY:
            self.unexpected.append(f"{self.name}, start {self.starts}, ended with {code} when told to stop")
        self._killed, self.armed = False, None


class FleetUnderTest:
    """The units of one drill. An async context manager that leaves nothing running."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.units: dict[str, Unit] = {}
        self._scraping: asyncio.Task[None] | None = None

    async def __aenter__(self) -> "FleetUnderTest":
        self.folder.mkdir(parents=True, exist_ok=True)
        self._scraping = asyncio.create_task(self._scrape())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._scraping:
            self._scraping.cancel()
        await asyncio.gather(*(unit.stop() for unit in self.units.values()))

    def worker(self, name: str, members: Sequence[str], environment: Mapping[str, str]) -> Unit:
        """Start a worker process with these members."""
        command = (sys.executable, "-m", "fleet", "run", *members)
        return self._start(name, command, environment, "WORKER_PORT")

    def entry_point(self, name: str, surface: str, environment: Mapping[str, str]) -> Unit:
        """Start an HTTP process."""
        command = (sys.executable, "-m", "fleet", "serve", surface)
        return self._start(name, command, environment, f"{surface.upper()}_PORT")

    def _start(
        self, name: str, command: tuple[str, ...], environment: Mapping[str, str], port_name: str
    ) -> Unit:
        (port,) = free_ports(1)
        unit = Unit(name, command, {**environment, port_name: str(port)}, self.folder, port=port)
        self.units[name] = unit
        unit.start()
        return unit

    def excuse(self, seconds: float) -> None:
        """A server is down: for so long a process that starts may give up, and is started again."""
        for unit in self.units.values():
            unit.excused_until = time.monotonic() + seconds

    async def ready(self) -> None:
        """Wait until every unit is fit for work."""
        await asyncio.gather(*(unit.ready() for unit in self.units.values() if unit.wanted))

    def total(self, series: str) -> float:
        """A counter over all labels, processes and lives, as far as it was seen."""
        found = 0.0
        for unit in self.units.values():
            for counters in (unit.gone, unit.latest):
                found += sum(value for name, value in counters.items() if name.partition("{")[0] == series)
        return found

    def by_label(self, series: str, label: str) -> Counter[str]:
        """A counter by one of its labels."""
        found: Counter[str] = Counter()
        for unit in self.units.values():
            for counters in (unit.gone, unit.latest):
                for name, value in counters.items():
                    kind, _, labels = name.partition("{")
                    if kind == series:
                        found[json.loads("{" + labels)[label]] += int(value)
        return found

    def grave(self, secrets: Sequence[str]) -> list[str]:
        """What the logs and the ends of processes tell that must not be."""
        found = [words for unit in self.units.values() for words in unit.unexpected]
        for log in sorted(self.folder.glob("*.log")):
            found += _grave(log, secrets)
        return found

    async def _scrape(self) -> None:
        async with plain_http.client(timeout=1) as client:
            while True:
                await asyncio.gather(
                    *(u.scrape(client) for u in self.units.values() if u.running and not u.paused)
                )
                await asyncio.sleep(1)


def _counters(text: str) -> str:
    """The counters of a page of metrics: to read the buckets of its histograms too would hold up this whole process,
    through which go the connections of those that are being broken.
    """
    kept: list[str] = []
    counted = False
    for line in text.splitlines(keepends=True):
        if line.startswith("# TYPE "):
            counted = line.endswith(" counter\n")
        if counted and not (line.startswith("# HELP ") or "_created" in line):
            kept.append(line)
    return "".join(kept)


def _grave(log: Path, secrets: Sequence[str]) -> list[str]:
    found: list[str] = []
    for number, line in enumerate(log.read_text(errors="replace").splitlines(), 1):
        where = f"{log.name}:{number}"
        if any(secret in line for secret in secrets):
            found.append(f"{where}: personal data in the log")
        try:
            entry = json.loads(line)
        except ValueError:
            found.append(f"{where}: not JSON: {line[:200]}")
            continue
        if entry.get("event") in GRAVE or "never retrieved" in str(entry.get("event")):
            found.append(f"{where}: {json.dumps(entry)[:1500]}")
    return found
