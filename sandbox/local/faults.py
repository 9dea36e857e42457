"""Break a running stack on purpose, by service name; works on any stack whose data folder one knows.

python -m sandbox.local.faults --data FOLDER stop redis
"""

import argparse
import asyncio
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from .children import HELD, Child, family, recorded, signal_all
from .service import CannotStart

PATIENCE = 60.0
"""Seconds for a service to reach the state asked for."""


@dataclass(frozen=True, slots=True)
class Faults:
    """Faults to order for the services of the supervisor that runs on `data`.

    Every method raises CannotStart when the service does not run there, or does not get to the wanted state.
    """

    data: Path

    def pid(self, name: str) -> int:
        """The id of the service's main process."""
        return self._running(name).pid

    async def kill(self, name: str, what: signal.Signals = signal.SIGKILL) -> int:
        """Send a signal to the main process; the supervisor sees a crash and starts it again. Returns its id."""
        pid = self.pid(name)
        signal_all(family(pid)[:1], what)
        return pid

    async def stop(self, name: str, *, immediate: bool = False) -> None:
        """Take the service down and keep it down. Immediate: as in a crash (PostgreSQL: SIGQUIT, else SIGKILL)."""
        self._child(name)
        held = self.data / HELD / name
        held.touch()
        signalled = 0
        deadline = time.monotonic() + PATIENCE
        while (child := self._child(name)).state != "held":
            if child.pid and child.pid != signalled:
                what = signal.Signals(child.death_signal if immediate else child.stop_signal)
                signal_all(family(child.pid)[:1], what)
                signalled = child.pid
            await self._pause(deadline, f"{name} to stop")

    async def start(self, name: str) -> None:
        """Let a stopped service run again, and wait until it is ready."""
        (self.data / HELD / name).unlink(missing_ok=True)
        await self.until_ready(name)

    async def restart(self, name: str, *, immediate: bool = False) -> None:
        """Down as `stop` does it and up again, ready."""
        await self.stop(name, immediate=immediate)
        await self.start(name)

    async def until_ready(self, name: str, *, other_than: int = 0) -> int:
        """Wait until the service is ready, in another process than that of the given id; returns its id."""
        deadline = time.monotonic() + PATIENCE
        while (child := self._child(name)).state != "ready" or child.pid == other_than:
            await self._pause(deadline, f"{name} to be ready")
        return child.pid

    async def pause(self, name: str) -> None:
        """Freeze the service with all its processes: connections stay open and nothing answers."""
        signal_all(family(self.pid(name)), signal.SIGSTOP)

    async def resume(self, name: str) -> None:
        """Let a frozen service go on."""
        signal_all(family(self.pid(name)), signal.SIGCONT)

    def _child(self, name: str) -> Child:
        children = recorded(self.data)
        if name not in children:
            known = ", ".join(sorted(children)) or "nothing"
            raise CannotStart(f"No {name} runs on {self.data}: {known} does.")
        return children[name]

    def _running(self, name: str) -> Child:
        child = self._child(name)
        if child.process() is None:
            raise CannotStart(f"{name} does not run at the moment (it is {child.state}).")
        return child

    async def _pause(self, deadline: float, what: str) -> None:
        if time.monotonic() > deadline:
            raise CannotStart(f"Waited {PATIENCE:.0f} s in vain for {what}; see {self.data / 'logs'}.")
        await asyncio.sleep(0.02)


def main() -> None:
    """The command line of this module's first lines."""
    parser = argparse.ArgumentParser(
        prog="python -m sandbox.local.faults", description="Break a running stack."
    )
    parser.add_argument("--data", type=Path, required=True, help="data folder of the running stack")
    parser.add_argument("fault", choices=("kill", "stop", "start", "restart", "pause", "resume"))
    parser.add_argument("service", help="such as postgres, redis or kafka")
    options = parser.parse_args()
    try:
        asyncio.run(getattr(Faults(options.data), options.fault)(options.service))
    except CannotStart as problem:
        sys.exit(str(problem))


if __name__ == "__main__":
    main()
