"""Demo accounts, as an upstream service publishes them, and proof that a command goes through."""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx

from fleet.local import credentials
from producers.upstream import UpstreamClient
from state.postgres.connection import connect
from topics.accounts import AccountType

ACCOUNTS: Final = {
    "0123456789abcdef0123456789abcdef": AccountType.PAY_GO,
    "1123456789abcdef0123456789abcdef": AccountType.STARTUP,
    "2123456789abcdef0123456789abcdef": AccountType.ENTERPRISE,
}
DEMO: Final = next(iter(ACCOUNTS))
PATIENCE: Final = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """Where the demo's fleet is, as seen from this process; `service_keys` is the registry of its callers."""

    database_url: str
    kafka_bootstrap: str
    iapi_url: str
    service_keys: Path


async def accounts(fleet: Reach) -> None:
    """Publish the accounts and send one command, and wait until both have gone through.

    Raises `TimeoutError` when the fleet does not apply what it is sent.
    """
    async with asyncio.timeout(PATIENCE):
        await _register(fleet.kafka_bootstrap)
        connection = await connect(fleet.database_url, name="demo", patient=True)
        try:
            known = "SELECT count(*) FROM accounts WHERE id = ANY($1::text[])"
            while await connection.fetchval(known, list(ACCOUNTS)) < len(ACCOUNTS):
                await asyncio.sleep(0.05)
        finally:
            await connection.close()
        await _prove(fleet.iapi_url, credentials.service_token(fleet.service_keys))


async def tokens(database_url: str, service_keys: Path) -> dict[str, str]:
    """Fresh tokens for the accounts, as shell variables; the Dashboard's of before is revoked."""
    connection = await connect(database_url, name="demo")
    try:
        dashboard = await credentials.dashboard_token(connection, ACCOUNTS)
    finally:
        await connection.close()
    service = credentials.service_token(service_keys)
    return {"DASHBOARD_TOKEN": dashboard, "IAPI_TOKEN": service, "DEMO_ACCOUNT_ID": DEMO}


async def _register(bootstrap: str) -> None:
    async with UpstreamClient(bootstrap, source="demo-accounts") as upstream:
        for account_id, account_type in ACCOUNTS.items():
            await upstream.account_registered(account_id, account_type=account_type)


async def _prove(iapi_url: str, token: str) -> None:
    """HTTP to Kafka to PostgreSQL and back, with a command that changes nothing."""
    url = f"{iapi_url}/internal/v1/accounts/{DEMO}/account-type"
    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {token}"}, timeout=15) as client:
        while True:
            if await _accepted(client, url):
                return
            await asyncio.sleep(0.2)


async def _accepted(client: httpx.AsyncClient, url: str) -> bool:
    try:
        answer = await client.put(url, json={"account_type": ACCOUNTS[DEMO].value})
    except httpx.TransportError:  # not up yet
        return False
    return answer.status_code == httpx.codes.OK
