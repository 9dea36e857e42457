"""What a service writes: one file each under the data folder, with a line where each start begins."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from .launch import last_words

LARGE = 20 * 2**20
TAIL = 16 * 2**10
JAVA_FRAME = re.compile(r"\s+(at [\w$./<>@-]+\(|\.\.\. \d+ more)")
"""Where in Java's code it happened: a stack of these hides what happened."""


def log_file(data: Path, name: str) -> Path:
    """Where the service of this name writes its output."""
    return data / "logs" / f"{name}.log"


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """The log at its end, for a start that begins now. One over 20 MB is first put aside as `.log.1`."""
    if path.exists() and path.stat().st_size > LARGE:
        path.replace(path.with_suffix(".log.1"))
    with path.open("ab") as log:
        log.write(f"--- started {datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC\n".encode())
        log.flush()
        yield log


def tail(path: Path) -> str:
    """The last words of the newest start, indented, without places in Java's code."""
    with path.open("rb") as log:
        log.seek(max(0, path.stat().st_size - TAIL))
        text = log.read().decode(errors="replace")
    lines = text.rpartition("--- started ")[2].splitlines()[1:]
    return last_words([line for line in lines if not JAVA_FRAME.match(line)])
