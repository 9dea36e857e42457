"""Start a program as a child that dies with us."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO

from .service import CannotStart, Owner, Say

SPAWN = Path(__file__).with_name("spawn.py")


async def launch(
    argv: tuple[str, ...],
    *,
    output: IO[bytes] | int,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    owner: Owner | None = None,
    death_signal: signal.Signals = signal.SIGKILL,
    stdin: int = subprocess.DEVNULL,
) -> asyncio.subprocess.Process:
    """The running child, in a session of its own: a Ctrl-C at the terminal reaches only the supervisor."""
    uid, gid = (str(owner.uid), str(owner.gid)) if owner else ("-", "-")
    shim = (sys.executable, "-IS", str(SPAWN), str(os.getpid()), str(int(death_signal)), uid, gid)
    starting = asyncio.ensure_future(
        asyncio.create_subprocess_exec(
            *shim,
            *argv,
            stdin=stdin,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **(env or {})},
            cwd=cwd,
            start_new_session=True,
        )
    )
    try:
        return await asyncio.shield(starting)
    except asyncio.CancelledError:  # asyncio waits for ever when cancelled between fork and its pipes
        await _kill(await starting)
        raise


async def run_once(
    argv: tuple[str, ...],
    *,
    doing: str,
    tell: Say | None = None,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    owner: Owner | None = None,
    typed: str = "",
) -> None:
    """Run a program to its end with `typed` as its input; its lines go to `tell` as they come.

    Raises CannotStart, with the program's last words, when it fails at `doing` something.
    """
    process = await launch(argv, output=subprocess.PIPE, env=env, cwd=cwd, owner=owner, stdin=subprocess.PIPE)
    try:
        lines = await _converse(process, typed, tell)
        code = await process.wait()
    except BaseException:
        await _kill(process)
        raise
    if code != 0:
        raise CannotStart(f"{doing} failed ({describe_exit(code)}). Its last words:\n{last_words(lines)}")


async def _kill(process: asyncio.subprocess.Process) -> None:
    """The process with its group: a child that kept the output open would keep us waiting."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    await process.wait()


async def _converse(process: asyncio.subprocess.Process, typed: str, tell: Say | None) -> list[str]:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(typed.encode())
    process.stdin.close()
    lines: list[str] = []
    async for raw in process.stdout:
        lines.append(raw.decode(errors="replace").rstrip())
        if tell is not None:
            tell(lines[-1])
    return lines


def describe_exit(code: int) -> str:
    """An exit code in words: a negative one is the signal that ended the process."""
    return f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"


def last_words(lines: list[str], *, count: int = 8, width: int = 400) -> str:
    """The last lines a program wrote, indented and cut to a readable width."""
    return "\n".join(f"    {line[:width]}" for line in [line for line in lines if line.strip()][-count:])
