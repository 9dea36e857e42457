"""The double, and Stripe's own mock, as child processes of a test or a drill."""

import queue
import re
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from sandbox.stripe.server import READY

PATIENCE = 30.0
HOME = Path(__file__).parents[2]


class DidNotStart(Exception):
    """The child ended, or said nothing, before it was ready; the message has its last words."""


@dataclass(frozen=True, slots=True)
class Child:
    """A running server. Leave it with `stop`, or `kill` it as a crash would."""

    process: subprocess.Popen[str]
    url: str

    def stop(self) -> None:
        """Ends it in order (SIGTERM), waits."""
        self.process.terminate()
        self._wait()

    def kill(self) -> None:
        """SIGKILL: it has no last word."""
        self.process.kill()
        self._wait()

    def _wait(self) -> None:
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def start(data: Path, *arguments: str, port: int = 0) -> Child:
    """A double with its state in `data`; `arguments` as on its command line. Raises DidNotStart."""
    command = [
        sys.executable,
        "-m",
        "sandbox.stripe",
        "--port",
        str(port),
        "--data",
        str(data.resolve()),
        *arguments,
    ]
    return spawn(command, re.compile(re.escape(READY) + r"(?P<url>\S+)"))


def spawn(command: Sequence[str], ready: re.Pattern[str]) -> Child:
    """Starts a server and waits for the line that has its `url`. Raises DidNotStart."""
    process = subprocess.Popen(  # noqa: S603 - commands of our own
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=HOME
    )
    assert process.stdout
    lines: queue.Queue[str] = queue.Queue()
    threading.Thread(target=_drain, args=(process.stdout, lines), daemon=True).start()
    heard = []
    with suppress(queue.Empty):
        while line := lines.get(timeout=PATIENCE):
            heard.append(line)
            if found := ready.search(line):
                return Child(process, found["url"])
    process.kill()
    process.wait()
    raise DidNotStart(f"{' '.join(command)}\n{''.join(heard)}")


def _drain(pipe: IO[str], lines: "queue.Queue[str]") -> None:
    """Reads to the end, so that the child never blocks on a full pipe."""
    with pipe:
        for line in pipe:
            lines.put(line)
    lines.put("")
