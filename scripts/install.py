"""Install the locked wheels and the project into this Python's environment, and show how far it is.

pip tells either nothing or a line for each thing it does. Here it is one line on a terminal and a few elsewhere;
what it said in full is shown when it fails. Only the standard library: nothing else is there yet.
"""

import contextlib
import os
import re
import select
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

PIP = (
    sys.executable,
    "-m",
    "pip",
    "install",
    "--disable-pip-version-check",
    "--progress-bar=off",
    "--no-color",
)
LOCK = Path("requirements.lock")
EVERY_SECONDS = 15.0
"""Between two lines where they cannot be written over."""
LAST_LINES = 40
EXPECTED = ("Ignoring ", "Requirement already satisfied")
"""How lines begin that explain no failure."""


class Progress:
    """One line that is written over on a terminal; elsewhere a new one every 15 seconds."""

    def __init__(self, *, in_place: bool) -> None:
        self._in_place = in_place
        self._shown = 0.0

    def show(self, words: str) -> None:
        """Say where we are; cut to the terminal's width, for a line that wraps cannot be written over."""
        now = time.monotonic()
        if self._in_place:
            print(f"\r\x1b[K  {words}"[: 5 + _columns()], end="", flush=True)
        elif now - self._shown > EVERY_SECONDS:
            self._shown = now
            print(f"  {words}", flush=True)

    def end(self) -> None:
        """What follows begins on a line of its own."""
        if self._in_place:
            print("\r\x1b[K", end="", flush=True)


def main() -> int:
    """0, or the exit status of the pip that failed."""
    progress = Progress(in_place=sys.stdout.isatty())
    steps = (
        (*PIP, "--require-hashes", "-r", str(LOCK)),
        (*PIP, "--quiet", "--no-deps", "--no-build-isolation", "-e", "."),
    )
    return next((status for step in steps if (status := follow(step, wheels(LOCK.read_text()), progress))), 0)


def wheels(lock: str) -> int:
    """How many packages a lock file names."""
    return len(re.findall(r"^[\w.-]+(\[.*\])?==", lock, re.MULTILINE))


def follow(command: Sequence[str], total: int, progress: Progress) -> int:
    """Run one pip, show its progress; its exit status. When it fails, its last lines go to standard error."""
    said: list[str] = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as pip:  # noqa: S603
        assert pip.stdout is not None
        try:
            _show(_lines(pip.stdout.fileno()), said, total, progress)
            status = pip.wait()
        except BaseException:
            pip.terminate()
            raise
        finally:
            progress.end()
    if status:
        telling = [line for line in said if not line.startswith(EXPECTED)]
        print("\n".join(telling[-LAST_LINES:]), file=sys.stderr)
    return status


def _show(lines: Iterator[str | None], said: list[str], total: int, progress: Progress) -> None:
    """`None` is a second without a line: while it unpacks what it has fetched, pip is silent."""
    fetched, unpacking = 0, False
    for line in lines:
        if line is not None:
            said.append(line)
        if line is None and unpacking:
            progress.show(f"unpacking: {min(_installed(), total)} of {total}")
        elif line is None:
            continue
        elif line.startswith("Ignoring "):
            total -= 1  # for another system or Python
        elif found := re.match(r"Collecting ([\w.-]+)", line):
            fetched += 1
            progress.show(f"wheel {min(fetched, total)} of {total}: {found[1]}")
        elif line.startswith("Installing collected packages"):
            unpacking = True
            progress.show(f"unpacking {total} wheels")


def _lines(pipe: int) -> Iterator[str | None]:
    rest = b""
    while True:
        if not select.select([pipe], [], [], 1.0)[0]:
            yield None
            continue
        part = os.read(pipe, 65536)
        *whole, rest = (rest + part).split(b"\n")
        yield from (line.decode(errors="replace").rstrip() for line in whole)
        if not part:
            if rest:
                yield rest.decode(errors="replace")
            return


def _installed() -> int:
    return len(list(Path(sysconfig.get_path("purelib")).glob("*.dist-info")))


def _columns() -> int:
    with contextlib.suppress(OSError):
        return os.get_terminal_size(sys.stdout.fileno()).columns or 80
    return 80


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        sys.exit(main())
    sys.exit(130)
