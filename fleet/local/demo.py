"""Demo accounts, as an upstream service publishes them, and proof that a command goes through."""

import asyncio
from typing import Final

import httpx

from fleet.local import credentials
from fleet.local.settings import LocalSettings
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


async def set_up(settings: LocalSettings) -> dict[str, str]:
    """Register the accounts, make tokens, send one command; gives the variables of `run.env`.

    Raises `TimeoutError` when the fleet does not apply what it is sent.
    """
    connections = settings.stack.connections()
    async with asyncio.timeout(PATIENCE):
        await _register(connections["KAFKA_BOOTSTRAP"])
        connection = await connect(connections["DATABASE_URL"], name="demo")
        try:
            while await connection.fetchval("SELECT count(*) FROM accounts") < len(ACCOUNTS):
                await asyncio.sleep(0.05)
            token = await credentials.dashboard_token(connection, list(ACCOUNTS))
        finally:
            await connection.close()
        service = credentials.service_token(settings)
        await _prove(settings, service)
    return {
        "DASHBOARD_URL": settings.url(settings.dashboard_port),
        "IAPI_URL": settings.url(settings.iapi_port),
        "SANDBOX_URL": settings.url(settings.sandbox_port),
        "DASHBOARD_TOKEN": token,
        "IAPI_TOKEN": service,
        "DEMO_ACCOUNT_ID": DEMO,
        **settings.environment(),
    }


async def _register(bootstrap: str) -> None:
    async with UpstreamClient(bootstrap, source="demo-accounts") as upstream:
        for account_id, account_type in ACCOUNTS.items():
            await upstream.account_registered(account_id, account_type=account_type)


async def _prove(settings: LocalSettings, token: str) -> None:
    """HTTP to Kafka to PostgreSQL and back, with a command that changes nothing."""
    url = f"{settings.url(settings.iapi_port)}/internal/v1/accounts/{DEMO}/account-type"
    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {token}"}, timeout=15) as client:
        while True:
            answer = await client.put(url, json={"account_type": ACCOUNTS[DEMO].value})
            if answer.status_code == httpx.codes.OK:
                return
            await asyncio.sleep(0.2)
