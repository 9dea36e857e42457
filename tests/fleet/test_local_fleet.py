"""`make run` as a newcomer uses it: one fleet, started, asked, read, stopped and started again."""

import asyncio
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import psutil
import pytest
from cloudflare import Cloudflare

from sandbox.local.ports import free_ports

pytestmark = [pytest.mark.stack, pytest.mark.timeout(600)]

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
PERSONAL: dict[str, Any] = {
    "first_name": "Zebulon",
    "last_name": "Quackenbush",
    "company": "Wyvern & Daughters",
    "address": "77 Xylophone Crescent",
    "city": "Springfield",
    "state": "IL",
    "zipcode": "62701",
    "country": "US",
    "telephone": "+1 217 555 0188",
    "billing_email": "zebulon.quackenbush@example.com",
    "secondary_billing_email": "second.zebulon@example.com",
}
SECRET_WORDS = ("Zebulon", "Quackenbush", "Wyvern", "Xylophone", "217 555 0188", "2175550188", "@example.com")


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A data folder and ports of its own, beside any other fleet on this machine."""
    folder = tmp_path_factory.mktemp("fleet")
    ports = dict(zip(PORTS, map(str, free_ports(len(PORTS))), strict=True))
    places = {"LOCAL_DATA": str(folder / "data"), "LOCAL_ENV_FILE": str(folder / "run.env")}
    return {**os.environ, **ports, **places}


@contextmanager
def running(environment: dict[str, str]) -> Iterator[tuple[subprocess.Popen[str], dict[str, str]]]:
    """The fleet from its first line to Ctrl-C; gives what `run.env` holds."""
    env_file = Path(environment["LOCAL_ENV_FILE"])
    command = [sys.executable, "-m", "fleet", "local"]
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as fleet:
        try:
            until(lambda: env_file.exists() or fleet.poll() is not None)
            assert fleet.poll() is None, fleet.communicate()[0]
            yield fleet, variables(env_file.read_text())
        finally:
            fleet.send_signal(signal.SIGINT)
            fleet.communicate(timeout=60)


def containers(env: dict[str, str], environment: dict[str, str], *arguments: str) -> str:
    """What a one-shot service of docker-compose.yml says."""
    command = [sys.executable, "-m", "fleet.local.containers", *arguments]
    return subprocess.run(
        command, cwd=ROOT, env={**environment, **env}, stdout=subprocess.PIPE, text=True, check=True
    ).stdout


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


def billing_state(env: dict[str, str]) -> dict[str, Any]:
    """Everything that is known of the demo account."""
    answer = httpx.get(
        f"{env['IAPI_URL']}/internal/v1/accounts/{env['DEMO_ACCOUNT_ID']}/billing-state",
        headers={"Authorization": f"Bearer {env['IAPI_TOKEN']}"},
    )
    assert answer.status_code == 200, answer.text
    state: dict[str, Any] = answer.json()["result"]
    return state


def test_a_newcomers_first_hour(environment: dict[str, str]) -> None:
    """A profile by the official client reaches Stripe, survives a restart, and no log tells of it."""
    with running(environment) as (fleet, env):
        family = psutil.Process(fleet.pid).children(recursive=True)
        client = Cloudflare(base_url=f"{env['DASHBOARD_URL']}/client/v4", api_token=env["DASHBOARD_TOKEN"])
        client.billing.profiles.create(account_id=env["DEMO_ACCOUNT_ID"], **PERSONAL)
        state = until(lambda: synced(billing_state(env)))
        customer_id = state["stripe_customer"]["customer_id"]
        customer = httpx.get(f"{env['SANDBOX_URL']}/_sandbox/objects/{customer_id}").json()
        assert PERSONAL["billing_email"] in str(customer)
        port = environment["COMMANDS_WORKER_PORT"]
        metrics = httpx.get(f"http://127.0.0.1:{port}/metrics", follow_redirects=True).text
        assert re.search(r'billing_commands_total\{lane="commands",outcome="applied"', metrics)
    psutil.wait_procs(family, timeout=20)
    assert [left.name() for left in family if left.is_running()] == []

    with running(environment) as (_, env):
        assert billing_state(env)["stripe_customer"]["customer_id"] == customer_id
        registry = Path(env["SERVICE_KEYS"]).read_text()
        containers(env, environment, "keys")
        containers(env, environment, "accounts", "--iapi-url", env["IAPI_URL"])
        assert Path(env["SERVICE_KEYS"]).read_text() == registry
        fresh = variables(containers(env, environment, "tokens"))
        assert fresh["DASHBOARD_TOKEN"] != env["DASHBOARD_TOKEN"]
        assert billing_state(fresh)["stripe_customer"]["customer_id"] == customer_id
        client = Cloudflare(
            base_url=f"{fresh['DASHBOARD_URL']}/client/v4", api_token=fresh["DASHBOARD_TOKEN"]
        )
        assert client.billing.profiles.get(account_id=fresh["DEMO_ACCOUNT_ID"])

    written = "".join(path.read_text(errors="replace") for path in logs(environment))
    assert "partitions_assigned" in written
    assert [word for word in SECRET_WORDS if word in written] == []


def test_no_secret_of_a_payment_is_written_anywhere(environment: dict[str, str]) -> None:
    """Nonces, device data and client secrets pass through the whole fleet, and no table, topic or log has them."""
    with running(environment) as (_, env):
        nonce = httpx.post(f"{env['BRAINTREE_SANDBOX_URL']}/_sandbox/nonces", json={}).json()["nonce"]
        device = "correlation-of-a-device"
        page = asked(env, "POST", "client-secret", {})  # first: two methods are as many as there may be
        added(env, type="PAYPAL", payment_nonce=nonce, device_data=device)
        waiting = added(env, type="CREDIT_CARD", payment_nonce="pm_card_threeDSecure2Required")
        secrets = [waiting["client_secret"], page["client_secret"]]
        setup = waiting["client_secret"].partition("_secret")[0]
        httpx.post(f"{env['SANDBOX_URL']}/authenticate/{setup}", params={"outcome": "complete"})
        until(lambda: {one["status"] for one in asked(env, "GET", "payment-methods")} == {"active"})
        until(lambda: b"setup_intent.succeeded" in on_kafka(environment))
        tables = asyncio.run(in_tables(env["DATABASE_URL"]))
    topics = on_kafka(environment)
    written = "".join(path.read_text(errors="replace") for path in logs(environment))
    assert setup in tables
    assert setup.encode() in topics
    for word in (nonce, device, *secrets):
        assert word not in tables
        assert word.encode().hex() not in tables, "a column of bytes has it"
        assert word.encode() not in topics
        assert word not in written


def added(env: dict[str, str], **method: str) -> dict[str, Any]:
    """What the customer is answered who adds a method."""
    found: dict[str, Any] = asked(env, "POST", "payment-methods", method)
    return found


def asked(env: dict[str, str], method: str, path: str, body: dict[str, Any] | None = None) -> Any:
    """The result of a request to the Dashboard."""
    answer = httpx.request(
        method,
        f"{env['DASHBOARD_URL']}/client/v4/accounts/{env['DEMO_ACCOUNT_ID']}/{path}",
        json=body,
        headers={"Authorization": f"Bearer {env['DASHBOARD_TOKEN']}"},
        timeout=30,
    )
    assert answer.is_success, answer.text
    return answer.json()["result"]


async def in_tables(dsn: str) -> str:
    """Every row of every table, as text."""
    connection = await asyncpg.connect(dsn)
    try:
        names = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        rows = [await connection.fetch(f'SELECT t::text FROM "{row[0]}" AS t') for row in names]
        return "\n".join(str(row[0]) for table in rows for row in table)
    finally:
        await connection.close()


def on_kafka(environment: dict[str, str]) -> bytes:
    """Every record that was ever published, as it lies on the broker's disk: topics are not compressed."""
    found = sorted((Path(environment["LOCAL_DATA"]) / "kafka").rglob("billing.*/*.log"))
    assert found
    return b"".join(path.read_bytes() for path in found)


def synced(state: dict[str, Any]) -> dict[str, Any] | None:
    """The state once Stripe agrees."""
    customer = state["stripe_customer"]
    return state if customer and customer["sync"]["state"] == "synced" else None


def logs(environment: dict[str, str]) -> list[Path]:
    """The log of every process that ever ran in this fleet."""
    found = sorted((Path(environment["LOCAL_DATA"]) / "logs").glob("*.log"))
    assert len(found) >= 8
    return found


def test_a_port_in_use_is_a_clear_message(environment: dict[str, str]) -> None:
    with running(environment):
        other = {**environment, "LOCAL_DATA": environment["LOCAL_DATA"] + "-other"}
        second = subprocess.run(
            [sys.executable, "-m", "fleet", "local"],
            cwd=ROOT,
            env=other,
            capture_output=True,
            text=True,
            check=False,
        )
        assert Path(environment["LOCAL_ENV_FILE"]).exists()
    assert second.returncode == 2
    assert "Traceback" not in second.stdout + second.stderr
    assert "port" in second.stdout + second.stderr
