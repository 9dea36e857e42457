"""A whole local fleet of a test's own: what it is told, its life from start to Ctrl-C, what it leaves on disk."""

import asyncio
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import httpx

from sandbox.local.ports import free_ports

ROOT = Path(__file__).parent.parent.parent
PORTS = (
    "POSTGRES_PORT",
    "REDIS_PORT",
    "KAFKA_PORT",
    "KAFKA_CONTROLLER_PORT",
    "DASHBOARD_PORT",
    "IAPI_PORT",
    "SANDBOX_PORT",
    "COMMANDS_WORKER_PORT",
    "BULK_WORKER_PORT",
    "EFFECTS_WORKER_PORT",
    "WEBHOOKS_PORT",
    "BRAINTREE_PORT",
)


@dataclass(frozen=True, slots=True)
class LocalFleet:
    """One at work. `told` is its environment, `env` what `run.env` holds for a person."""

    process: subprocess.Popen[str]
    told: dict[str, str]
    env: dict[str, str]

    def asked(self, account: str, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """The result of a request to the Dashboard."""
        url = f"{self.env['DASHBOARD_URL']}/client/v4/accounts/{account}/{path}"
        return _result(method, url, self.env["DASHBOARD_TOKEN"], body)

    def internal(self, account: str, path: str) -> Any:
        """What the iAPI shows."""
        url = f"{self.env['IAPI_URL']}/internal/v1/accounts/{account}/{path}"
        return _result("GET", url, self.env["IAPI_TOKEN"], None)

    def at_stripe(self, path: str, **form: Any) -> dict[str, Any]:
        """A request of somebody else, or of a page, to the double of Stripe."""
        headers = {"Authorization": f"Bearer {self.env['STRIPE_API_KEY']}"}
        answer = httpx.post(f"{self.env['SANDBOX_URL']}/v1/{path}", data=form, headers=headers)
        found: dict[str, Any] = answer.raise_for_status().json()
        return found

    def object_at_stripe(self, id_: str) -> dict[str, Any]:
        """What the double of Stripe has."""
        answer = httpx.get(f"{self.env['SANDBOX_URL']}/_sandbox/objects/{id_}")
        found: dict[str, Any] = answer.raise_for_status().json()
        return found

    def nonce(self, **given: str) -> str:
        """A nonce of Braintree's page."""
        answer = httpx.post(f"{self.env['BRAINTREE_SANDBOX_URL']}/_sandbox/nonces", json=given)
        return str(answer.raise_for_status().json()["nonce"])

    def in_vault(self) -> dict[str, dict[str, Any]]:
        """What the double of Braintree keeps, by token."""
        url = f"{self.env['BRAINTREE_SANDBOX_URL']}/_sandbox/objects"
        found = httpx.get(url, params={"kind": "payment_method"}).raise_for_status().json()["objects"]
        return {one["token"]: one for one in found}


def told(folder: Path) -> dict[str, str]:
    """The environment of a fleet with its data in `folder`, on free ports: beside any other on this machine."""
    ports = dict(zip(PORTS, map(str, free_ports(len(PORTS))), strict=True))
    places = {"LOCAL_DATA": str(folder / "data"), "LOCAL_ENV_FILE": str(folder / "run.env")}
    return {**os.environ, **ports, **places}


@contextmanager
def running(environment: dict[str, str]) -> Iterator[LocalFleet]:
    """The fleet from its first line to Ctrl-C."""
    env_file = Path(environment["LOCAL_ENV_FILE"])
    command = [sys.executable, "-m", "fleet", "local"]
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as fleet:
        try:
            until(lambda: env_file.exists() or fleet.poll() is not None)
            assert fleet.poll() is None, fleet.communicate()[0]
            yield LocalFleet(fleet, environment, variables(env_file.read_text()))
        finally:
            fleet.send_signal(signal.SIGINT)
            fleet.communicate(timeout=60)


def variables(lines: str) -> dict[str, str]:
    """The shell variables of lines that a person would source."""
    pairs = (line.removeprefix("export ").partition("=") for line in lines.splitlines())
    return {name: shlex.split(value)[0] for name, _, value in pairs}


def until(condition: Callable[[], Any]) -> Any:
    """Wait until something is true; the deadline is for a broken test, not a measure."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.1)
    raise AssertionError("it never became true")


def in_tables(dsn: str) -> str:
    """Every row of every table, as text."""

    async def read() -> str:
        connection = await asyncpg.connect(dsn)
        try:
            names = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
            rows = [await connection.fetch(f'SELECT t::text FROM "{row[0]}" AS t') for row in names]
            return "\n".join(str(row[0]) for table in rows for row in table)
        finally:
            await connection.close()

    return asyncio.run(read())


def on_kafka(environment: dict[str, str]) -> bytes:
    """Every record that was ever published, as it lies on the broker's disk: topics are not compressed."""
    found = sorted((Path(environment["LOCAL_DATA"]) / "kafka").rglob("billing.*/*.log"))
    assert found
    return b"".join(path.read_bytes() for path in found)


def on_disk(environment: dict[str, str]) -> Iterator[tuple[Path, bytes]]:
    """Every file of the fleet and its servers, the write-ahead log too. The processors' own books are not ours.

    Kafka's indexes are left out: they hold offsets, and are long and empty.
    """
    data = Path(environment["LOCAL_DATA"])
    for path in sorted(data.rglob("*")):
        processor = path.relative_to(data).parts[0] in ("stripe", "braintree")
        if not processor and path.is_file() and path.suffix not in (".index", ".timeindex"):
            with suppress(FileNotFoundError):
                yield path, path.read_bytes()


def logs(environment: dict[str, str]) -> list[Path]:
    """The log of every process that ever ran in this fleet."""
    found = sorted((Path(environment["LOCAL_DATA"]) / "logs").glob("*.log"))
    assert len(found) >= 8
    return found


def _result(method: str, url: str, token: str, body: dict[str, Any] | None) -> Any:
    headers = {"Authorization": f"Bearer {token}"}
    answer = httpx.request(method, url, json=body, headers=headers, timeout=30)
    assert answer.is_success, answer.text
    return answer.json()["result"]
