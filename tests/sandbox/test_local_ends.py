"""A supervisor in a process of its own: however it ends, nothing is left behind."""

import json
import os
import pty
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from sandbox.local.faults import Faults
from tests.sandbox.programs import DEAF, FOREVER, PROJECT, alive, until

SESSION_LEADER = """\
import fcntl, signal, subprocess, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
signal.signal(signal.SIGHUP, lambda *_: print('heard', file=open(sys.argv[1], 'w')))
sys.exit(subprocess.call([sys.executable, '-c', sys.argv[2]]))
"""
"""As make does: takes the terminal, hears its end, says nothing to its child and waits for it."""


def script(data: Path, *, code: str = FOREVER, stop_seconds: float = 60) -> str:
    """A supervisor with two services."""
    return (
        "import asyncio, sys\n"
        "from pathlib import Path\n"
        "from sandbox.local.service import Service\n"
        "from sandbox.local.supervisor import Supervisor\n"
        f"services = [Service(name=n, argv=(sys.executable, '-c', {code!r}), stop_seconds={stop_seconds})"
        " for n in ('one', 'two')]\n"
        f"asyncio.run(Supervisor(services, data=Path({str(data)!r})).run())\n"
    )


def supervised(data: Path, *, code: str = FOREVER, stop_seconds: float = 60) -> subprocess.Popen[bytes]:
    """A supervisor in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-c", script(data, code=code, stop_seconds=stop_seconds)],
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


async def both_pids(data: Path, log_has: str = "") -> list[int]:
    names = ("one", "two")

    def up() -> bool:
        try:
            children = json.loads((data / "children.json").read_text())
        except FileNotFoundError:
            return False
        logs = [data / "logs" / f"{name}.log" for name in names]
        ready = all(children.get(name, {}).get("state") == "ready" for name in names)
        return ready and all(log_has in log.read_text() for log in logs)

    await until(up)
    return [Faults(data).pid(name) for name in names]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.asyncio
async def test_every_way_to_ask_for_an_end_stops_everything(number: signal.Signals, tmp_path: Path) -> None:
    supervisor = supervised(tmp_path / "data")
    pids = await both_pids(tmp_path / "data")
    supervisor.send_signal(number)
    output, _ = supervisor.communicate(timeout=60)
    assert supervisor.returncode == 0
    assert b"Traceback" not in output
    assert not any(alive(pid) for pid in pids)
    assert not (tmp_path / "data" / "children.json").exists()


@pytest.mark.asyncio
async def test_a_closed_terminal_stops_everything_though_nobody_reads_on(tmp_path: Path) -> None:
    supervisor = supervised(tmp_path / "data")
    pids = await both_pids(tmp_path / "data")
    assert supervisor.stdout is not None
    supervisor.stdout.close()
    supervisor.send_signal(signal.SIGHUP)
    assert supervisor.wait(timeout=60) == 0
    assert not any(alive(pid) for pid in pids)


@pytest.mark.asyncio
async def test_a_closed_terminal_stops_everything_though_its_leader_keeps_that_to_itself(
    tmp_path: Path,
) -> None:
    terminal, inside = pty.openpty()
    leader = subprocess.Popen(
        [sys.executable, "-c", SESSION_LEADER, str(tmp_path / "heard"), script(tmp_path / "data")],
        cwd=PROJECT,
        stdin=inside,
        stdout=inside,
        stderr=inside,
        start_new_session=True,
    )
    os.close(inside)
    try:
        pids = await both_pids(tmp_path / "data")
        os.close(terminal)
        assert leader.wait(timeout=60) == 0
    finally:
        with suppress(ProcessLookupError):
            os.killpg(leader.pid, signal.SIGKILL)
    assert (tmp_path / "heard").exists()
    assert not any(alive(pid) for pid in pids)
    assert not (tmp_path / "data" / "children.json").exists()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the next start ends what is left")
@pytest.mark.asyncio
async def test_a_killed_supervisor_leaves_no_process(tmp_path: Path) -> None:
    supervisor = supervised(tmp_path / "data", code=DEAF)
    pids = await both_pids(tmp_path / "data")
    supervisor.kill()
    supervisor.communicate()
    await until(lambda: not any(alive(pid) for pid in pids))


@pytest.mark.asyncio
async def test_a_second_ctrl_c_does_not_wait_for_the_deaf(tmp_path: Path) -> None:
    supervisor = supervised(tmp_path / "data", code=DEAF)
    pids = await both_pids(tmp_path / "data", log_has="deaf")
    supervisor.send_signal(signal.SIGINT)
    assert supervisor.stdout is not None
    while b"once more to kill" not in supervisor.stdout.readline():
        pass
    supervisor.send_signal(signal.SIGINT)
    supervisor.communicate(timeout=60)
    assert not any(alive(pid) for pid in pids)
