"""An entry point that can't start says so and ends."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator

import click
import pytest

from fleet.listening import listener
from tests.conftest import ROOT, Stack

pytestmark = pytest.mark.stack

FLEET = (sys.executable, "-m", "fleet")
BROKEN_READER = """
import consumers.light
from fleet.cli import main

consumers.light.reading_ended = lambda _client: True
main()
"""


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that somebody else listens on."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other.getsockname()[1]


def environment(stack: Stack, **settings: object) -> dict[str, str]:
    """What a process of the fleet is told."""
    stores = {
        "DATABASE_URL": stack.database_url,
        "REDIS_URL": stack.redis_url,
        "KAFKA_BOOTSTRAP": stack.kafka_bootstrap,
    }
    return {**os.environ, **stores, **{name: str(value) for name, value in settings.items()}}


@pytest.mark.parametrize(
    ("words", "setting"),
    [(("serve", "dashboard"), "DASHBOARD_PORT"), (("run", "relay"), "WORKER_PORT")],
)
def test_a_port_that_is_taken_ends_the_process_with_a_sentence(
    stack: Stack, taken: int, words: tuple[str, ...], setting: str
) -> None:
    done = subprocess.run(
        [*FLEET, *words],
        cwd=ROOT,
        env=environment(stack, **{setting: taken}),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert f"127.0.0.1:{taken} can't be listened on: Address already in use" in done.stderr
    assert f"set {setting} to another port" in done.stderr


def test_an_address_that_is_not_here_is_no_matter_of_the_port() -> None:
    with pytest.raises(click.ClickException) as wrong:
        listener("WORKER_PORT", "192.0.2.1", 0)
    assert "Set HOST to an address of this machine" in str(wrong.value)
    assert "WORKER_PORT" not in str(wrong.value)


def test_an_entry_point_ends_when_it_is_told_to(stack: Stack) -> None:
    with subprocess.Popen(
        [*FLEET, "serve", "dashboard"],
        cwd=ROOT,
        env=environment(stack, DASHBOARD_PORT=0),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout
        for line in process.stdout:
            if "Application startup complete" in line:
                break
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) in (0, -signal.SIGTERM)


def test_a_light_consumer_that_reads_nothing_any_more_ends_its_process(stack: Stack) -> None:
    done = subprocess.run(
        [sys.executable, "-c", BROKEN_READER, "run", "reconciler"],
        cwd=ROOT,
        env=environment(stack, WORKER_PORT=0),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert "member_failed" in done.stdout + done.stderr
    assert "ReaderBrokenError" in done.stdout + done.stderr
