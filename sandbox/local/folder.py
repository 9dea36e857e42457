"""The data folder of one run: ours, on a disk with room, and used by nobody else at the moment."""

import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .service import CannotStart

FORMAT = 1
MARKER = "stack.json"
LOCK = "supervisor.lock"
ROOM = 500 * 2**20
"""Bytes that must be free: an empty stack takes 150 MB and PostgreSQL stops dead on a full disk."""


def broken(folder: Path, what: str, *, data: Path) -> CannotStart:
    """What to say of a service's `folder` in the data folder `data`; `what` is wrong with it.

    The advice is about the whole: a database without the log that its cursors stand in is no state to go on from.
    """
    return CannotStart(
        f"{folder} {what}. Nothing in it was removed. Bring back the folder that was there, or, if the local data "
        f"may go, move the whole data folder away (`mv {data} {data}.broken`); the next start makes an empty one."
    )


@contextmanager
def claimed(data: Path) -> Iterator[None]:
    """Hold the folder as long as the block runs, making it when there is none.

    The lock ends with this process, however that ends. Raises CannotStart when the folder cannot be used.
    """
    try:
        _make(data)
        lock = os.open(data / LOCK, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise CannotStart(
            f"The data folder {data} cannot be used: {error.strerror} ({error.filename}). "
            "Check that its disk is there and that you may write to it, or name another folder."
        ) from error
    try:
        _lock(lock, data)
        _require_room(data)
        yield
    finally:
        os.close(lock)


def _make(data: Path) -> None:
    data.mkdir(parents=True, exist_ok=True)
    marker = data / MARKER
    if marker.exists():
        _require_known_format(marker, data)
    elif any(data.iterdir()):
        raise CannotStart(
            f"The folder {data} holds something else: it is not empty and has no {MARKER}. "
            "Nothing in it was touched. Name an empty or a new folder for the data."
        )
    else:
        marker.write_text(json.dumps({"format": FORMAT}) + "\n")
    (data / "logs").mkdir(exist_ok=True)


def _require_known_format(marker: Path, data: Path) -> None:
    try:
        found = json.loads(marker.read_text())["format"]
    except (ValueError, KeyError, TypeError):
        found = "unreadable"
    if found != FORMAT:
        raise CannotStart(
            f"The data folder {data} has format {found} in its {MARKER}, and this release knows only format "
            f"{FORMAT}. Use the release that made it, or move the folder away to start with an empty one."
        )


def _lock(lock: int, data: Path) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.read(lock, 20).decode(errors="replace").strip() or "unknown"
        raise CannotStart(
            f"Another run (process {holder}) is using the data folder {data}. Stop it with Ctrl-C where it "
            f"runs or with `kill {holder}`, or give this run a folder and ports of its own."
        ) from None
    os.ftruncate(lock, 0)
    os.write(lock, f"{os.getpid()}\n".encode())


def _require_room(data: Path) -> None:
    free = shutil.disk_usage(data).free
    if free < ROOM:
        raise CannotStart(
            f"The disk of {data} has {free // 2**20} MB free and the stack needs {ROOM // 2**20} MB. "
            "Free some room, or name a data folder on another disk."
        )
