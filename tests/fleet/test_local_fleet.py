"""`make run` as a newcomer uses it: one fleet, started, asked, read, stopped and started again."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from cloudflare import Cloudflare

from tests.fleet.local_fleet import ROOT, logs, running, told, until, variables

pytestmark = [pytest.mark.stack, pytest.mark.timeout(600)]

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
    return told(tmp_path_factory.mktemp("fleet"))


def containers(env: dict[str, str], environment: dict[str, str], *arguments: str) -> str:
    """What a one-shot service of docker-compose.yml says."""
    command = [sys.executable, "-m", "fleet.local.containers", *arguments]
    return subprocess.run(
        command, cwd=ROOT, env={**environment, **env}, stdout=subprocess.PIPE, text=True, check=True
    ).stdout


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
    with running(environment) as fleet:
        env, family = fleet.env, psutil.Process(fleet.process.pid).children(recursive=True)
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

    with running(environment) as fleet:
        env = fleet.env
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


def synced(state: dict[str, Any]) -> dict[str, Any] | None:
    """The state once Stripe agrees."""
    customer = state["stripe_customer"]
    return state if customer and customer["sync"]["state"] == "synced" else None


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
