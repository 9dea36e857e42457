"""The supervisor with small programs as services: order, crashes, refusals, and nothing left behind."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import psutil
import pytest

from sandbox.local import folder
from sandbox.local.children import Child, Children, child_of
from sandbox.local.faults import Faults
from sandbox.local.launch import run_once
from sandbox.local.service import CannotStart, Say, Service
from sandbox.local.supervisor import Supervisor
from tests.sandbox.programs import DEAF, FOREVER, alive, until


def program(name: str, code: str = FOREVER, **options: object) -> Service:
    return Service(name=name, argv=(sys.executable, "-c", code), **options)  # type: ignore[arg-type]


def once_there(path: Path) -> Callable[[], Awaitable[bool]]:
    async def ready() -> bool:
        return path.exists()

    return ready


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.mark.asyncio
async def test_a_service_starts_only_when_those_it_needs_are_ready(tmp_path: Path, said: list[str]) -> None:
    mark = tmp_path / "mark"
    seen = []

    async def prepare(_: Say) -> None:
        seen.append(mark.exists())

    first = program("first", f"open({str(mark)!r}, 'w'); {FOREVER}", ready=once_there(mark))
    second = program("second", after=("first",), prepare=prepare)
    async with Supervisor([second, first], data=tmp_path / "data", say=said.append):
        assert seen == [True]
    assert [line.split(":")[0] for line in said if "ready" in line] == ["first", "second"]


@pytest.mark.asyncio
async def test_services_stop_before_those_they_need(tmp_path: Path, said: list[str]) -> None:
    order = tmp_path / "order"

    def noting(name: str, **options: object) -> Service:
        up = tmp_path / name
        code = (
            "import signal, sys\n"
            f"def stop(*_):\n    open({str(order)!r}, 'a').write('{name} '); sys.exit()\n"
            f"signal.signal(signal.SIGTERM, stop); open({str(up)!r}, 'w')\n"
            "while True: signal.pause()"
        )
        return program(name, code, ready=once_there(up), **options)

    services = [noting("store"), noting("worker", after=("store",)), noting("page", after=("worker",))]
    async with Supervisor(services, data=tmp_path / "data", say=said.append):
        pass
    assert order.read_text().split() == ["page", "worker", "store"]


@pytest.mark.parametrize(
    ("one", "other"),
    [(program("a", after=("b",)), program("b", after=("a",))), (program("a"), program("a"))],
    ids=["circle", "same name"],
)
def test_services_that_cannot_be_ordered_are_a_mistake_of_the_caller(
    one: Service, other: Service, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=r"circle|same name"):
        Supervisor([one, other], data=tmp_path)


@pytest.mark.asyncio
async def test_a_crashed_service_is_started_again_with_a_word_about_it(
    tmp_path: Path, said: list[str]
) -> None:
    data = tmp_path / "data"
    async with Supervisor([program("worker")], data=data, say=said.append):
        faults = Faults(data)
        for _ in range(2):
            old = await faults.kill("worker")
            new = await faults.until_ready("worker", other_than=old)
            assert new != old
            assert not alive(old)
    assert sum("worker: stopped unexpectedly (killed by SIGKILL)" in line for line in said) == 2
    assert not alive(new)


@pytest.mark.asyncio
async def test_a_service_that_ends_at_once_is_a_message_with_its_last_words(
    tmp_path: Path, said: list[str]
) -> None:
    never = once_there(tmp_path / "never")
    broken = program("broken", "import sys; sys.exit('the config is wrong')", ready=never)
    slow = program("slow", ready=never)
    before = psutil.Process().children()
    with pytest.raises(CannotStart) as problem:
        async with Supervisor([slow, broken], data=tmp_path / "data", say=said.append):
            pytest.fail("it was not ready")
    assert "broken ended before it was ready (exit code 1)" in str(problem.value)
    assert "the config is wrong" in str(problem.value)
    assert not set(psutil.Process().children()) - set(before)


@pytest.mark.asyncio
async def test_a_program_that_is_not_there_is_a_message(tmp_path: Path, said: list[str]) -> None:
    missing = Service(name="missing", argv=("/no/such/program",), ready=once_there(tmp_path / "never"))
    with pytest.raises(CannotStart, match="cannot run /no/such/program"):
        async with Supervisor([missing], data=tmp_path / "data", say=said.append):
            pytest.fail("it was not ready")


@pytest.mark.asyncio
async def test_a_service_that_never_gets_ready_is_a_message(tmp_path: Path, said: list[str]) -> None:
    hanging = program("hanging", ready=once_there(tmp_path / "never"), ready_seconds=0.3)
    with pytest.raises(CannotStart, match="hanging was not ready after"):
        async with Supervisor([hanging], data=tmp_path / "data", say=said.append):
            pytest.fail("it was not ready")


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.mark.asyncio
async def test_a_port_in_use_is_a_message_before_anything_starts(
    tmp_path: Path, said: list[str], taken_port: int
) -> None:
    services = [program("free"), program("shop", ports=(taken_port,))]
    with pytest.raises(CannotStart) as problem:
        async with Supervisor(services, data=tmp_path / "data", say=said.append):
            pytest.fail("it started")
    assert f"Port {taken_port} on 127.0.0.1, which shop needs, is taken" in str(problem.value)
    assert f"process {os.getpid()}" in str(problem.value)
    assert said == []


@pytest.mark.asyncio
async def test_one_port_for_two_services_is_a_message(tmp_path: Path, said: list[str]) -> None:
    services = [program("a", ports=(21_987,)), program("b", ports=(21_987,))]
    with pytest.raises(CannotStart, match="21987 is set for both a and b"):
        async with Supervisor(services, data=tmp_path / "data", say=said.append):
            pytest.fail("it started")


@pytest.mark.asyncio
async def test_a_second_run_on_the_same_folder_is_a_message(tmp_path: Path, said: list[str]) -> None:
    data, claims = tmp_path / "data", list[Path]()
    async with Supervisor([program("worker")], data=data, say=said.append):
        before = Faults(data).pid("worker")
        with pytest.raises(CannotStart, match=rf"Another run \(process {os.getpid()}\) is using"):
            async with Supervisor(
                [program("worker")], data=data, say=said.append, when_claimed=lambda: claims.append(data)
            ):
                pytest.fail("it started")
        assert claims == []
        assert Faults(data).pid("worker") == before
        assert alive(before)


@pytest.mark.asyncio
async def test_a_folder_with_something_else_in_it_is_left_alone(tmp_path: Path, said: list[str]) -> None:
    (tmp_path / "thesis.txt").write_text("dear")
    with pytest.raises(CannotStart, match="holds something else"):
        async with Supervisor([program("worker")], data=tmp_path, say=said.append):
            pytest.fail("it started")
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


@pytest.mark.parametrize("marker", ['{"format": 99}', "garbage", "[]"])
@pytest.mark.asyncio
async def test_a_folder_of_another_release_is_a_message(marker: str, tmp_path: Path, said: list[str]) -> None:
    (tmp_path / folder.MARKER).write_text(marker)
    with pytest.raises(CannotStart, match="this release knows only format 1"):
        async with Supervisor([program("worker")], data=tmp_path, say=said.append):
            pytest.fail("it started")


@pytest.mark.asyncio
async def test_a_folder_that_cannot_be_made_is_a_message(tmp_path: Path, said: list[str]) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CannotStart, match="Not a directory"):
        async with Supervisor([program("worker")], data=tmp_path / "file" / "data", say=said.append):
            pytest.fail("it started")


@pytest.mark.asyncio
async def test_a_full_disk_is_a_message(
    tmp_path: Path, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder, "ROOM", 2**62)
    with pytest.raises(CannotStart, match="Free some room"):
        async with Supervisor([program("worker")], data=tmp_path / "data", say=said.append):
            pytest.fail("it started")


@pytest.mark.asyncio
async def test_a_data_folder_that_goes_away_stops_everything_with_a_message(
    tmp_path: Path, said: list[str]
) -> None:
    data = tmp_path / "data"

    async def lose_the_disk() -> None:
        pid = Faults(data).pid("worker")
        data.rename(tmp_path / "gone")
        os.kill(pid, signal.SIGKILL)

    with pytest.raises(CannotStart, match="worker cannot be run: No such file"):
        await Supervisor([program("worker")], data=data, say=said.append).run(when_ready=lose_the_disk)


@pytest.mark.asyncio
async def test_a_deaf_service_is_killed_at_its_deadline(tmp_path: Path, said: list[str]) -> None:
    data = tmp_path / "data"

    async def deaf() -> bool:
        return "deaf" in (data / "logs" / "deaf.log").read_text()

    async with Supervisor([program("deaf", DEAF, ready=deaf, stop_seconds=0.3)], data=data, say=said.append):
        pid = Faults(data).pid("deaf")
    assert not alive(pid)
    assert "deaf: does not stop; killing it" in said


@pytest.mark.asyncio
async def test_the_children_of_a_service_end_with_it(tmp_path: Path, said: list[str]) -> None:
    pids = tmp_path / "pids"
    code = (
        "import os, subprocess, sys\n"
        "own = [subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'], start_new_session=s)"
        " for s in (False, True)]\n"
        f"open({str(pids)!r} + '.new', 'w').write(' '.join(str(p.pid) for p in own))\n"
        f"os.rename({str(pids)!r} + '.new', {str(pids)!r})\n"
        "own[0].wait()"
    )
    async with Supervisor(
        [program("parent", code, ready=once_there(pids))], data=tmp_path / "data", say=said.append
    ):
        grandchildren = [int(pid) for pid in pids.read_text().split()]
        assert all(alive(pid) for pid in grandchildren)
    await until(lambda: not any(alive(pid) for pid in grandchildren))


@pytest.mark.asyncio
async def test_what_a_killed_run_left_is_ended_first(tmp_path: Path, said: list[str]) -> None:
    data = tmp_path / "data"
    async with Supervisor([program("worker")], data=data, say=said.append):
        pass
    left = subprocess.Popen([sys.executable, "-c", FOREVER], start_new_session=True)
    Children(data).note("worker", child_of(program("worker"), "ready", left.pid))
    async with Supervisor([program("worker")], data=data, say=said.append):
        assert not alive(left.pid)
    assert any(f"process {left.pid} was left by a run that did not end properly" in line for line in said)
    left.wait()


@pytest.mark.asyncio
async def test_a_stranger_that_got_the_id_of_a_dead_child_is_spared(tmp_path: Path, said: list[str]) -> None:
    data = tmp_path / "data"
    async with Supervisor([program("worker")], data=data, say=said.append):
        pass
    stranger = subprocess.Popen([sys.executable, "-c", FOREVER])
    long_ago = time.time() - 3600
    Children(data).note("worker", Child("ready", stranger.pid, long_ago, signal.SIGTERM, signal.SIGKILL))
    async with Supervisor([program("worker")], data=data, say=said.append):
        assert alive(stranger.pid)
    stranger.kill()
    stranger.wait()


@pytest.mark.asyncio
async def test_an_unreadable_list_of_children_is_a_message(tmp_path: Path, said: list[str]) -> None:
    data = tmp_path / "data"
    async with Supervisor([program("worker")], data=data, say=said.append):
        pass
    (data / "children.json").write_text("[half")
    with pytest.raises(CannotStart, match="list of this stack's processes, cannot be read"):
        async with Supervisor([program("worker")], data=data, say=said.append):
            pytest.fail("it started")


@pytest.mark.asyncio
async def test_a_stopped_service_stays_down_until_it_is_started(tmp_path: Path, said: list[str]) -> None:
    data = tmp_path / "data"
    services = [program("worker"), program("store")]
    async with Supervisor(services, data=data, say=said.append):
        faults = Faults(data)
        worker, store = faults.pid("worker"), faults.pid("store")
        await faults.stop("worker")
        assert not alive(worker)
        with pytest.raises(CannotStart, match="it is held"):
            faults.pid("worker")
        await faults.start("worker")
        assert alive(faults.pid("worker"))
        assert faults.pid("store") == store
        await faults.restart("worker", immediate=True)
        assert alive(faults.pid("worker"))
    assert not any("unexpectedly" in line for line in said)


@pytest.mark.asyncio
async def test_a_paused_service_is_frozen_and_still_stops_with_the_stack(
    tmp_path: Path, said: list[str]
) -> None:
    data = tmp_path / "data"
    async with Supervisor([program("worker")], data=data, say=said.append):
        faults = Faults(data)
        process = psutil.Process(faults.pid("worker"))
        await faults.pause("worker")
        await until(lambda: process.status() == psutil.STATUS_STOPPED)
        await faults.resume("worker")
        await until(lambda: process.status() != psutil.STATUS_STOPPED)
        await faults.pause("worker")
    assert not alive(process.pid)
    assert "worker: does not stop; killing it" not in said


@pytest.mark.asyncio
async def test_a_fault_for_an_unknown_service_is_a_message(tmp_path: Path, said: list[str]) -> None:
    data = tmp_path / "data"
    async with Supervisor([program("worker")], data=data, say=said.append):
        with pytest.raises(CannotStart, match=r"No stripe runs on .*: worker does"):
            await Faults(data).kill("stripe")


@pytest.mark.parametrize("steps", range(0, 40, 2))
@pytest.mark.asyncio
async def test_a_preparation_given_up_at_any_moment_ends_at_once(steps: int) -> None:
    before = psutil.Process().children()
    work = asyncio.create_task(run_once((sys.executable, "-c", FOREVER), doing="Sleeping"))
    for _ in range(steps):
        await asyncio.sleep(0)
    work.cancel()
    async with asyncio.timeout(60):
        await asyncio.wait({work})
    assert work.cancelled()
    assert not set(psutil.Process().children()) - set(before)
