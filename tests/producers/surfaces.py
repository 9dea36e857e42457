"""Surfaces of a test's own: served by uvicorn on a free port, with a worker on a lane nobody else uses."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from starlette.applications import Starlette

from handlers.accounts import AccountRecord
from producers.dashboard import app as dashboard
from producers.http.protocol import serving
from producers.http.surface import Rates, Settings
from producers.iapi import app as iapi
from producers.iapi import scopes
from producers.iapi.service_tokens import new_key, sign
from state.postgres import accounts, api_tokens
from state.postgres.api_tokens import WRITE
from state.postgres.connection import Connection
from state.redis.rate_limits import Rate
from tests import plain_http
from tests.conftest import Stack
from tests.consumers.lanes import LaneUnderTest, account_id
from topics.accounts import AccountType

FREE = Rate(per_second=100_000, burst=100_000)
UNLIMITED = Rates(caller=FREE, account=FREE, address=FREE, failures=FREE)
PROFILE: dict[str, Any] = {
    "first_name": "Ada",
    "last_name": "Lovelace",
    "address": "101 Townsend Street",
    "city": "San Francisco",
    "state": "CA",
    "zipcode": "94107",
    "country": "US",
    "billing_email": "ada@example.com",
}
AUDIENCE = "billing-iapi"


@dataclass(frozen=True, slots=True)
class Caller:
    """A client of one account: the address of the surface, a token, and httpx to use them."""

    url: str
    account_id: str
    secret: str
    http: httpx.AsyncClient

    @property
    def profile(self) -> str:
        """The Dashboard's path of the account's profile."""
        return f"/client/v4/accounts/{self.account_id}/billing/profile"

    def internal(self, path: str) -> str:
        """An iAPI path of the account."""
        return f"/internal/v1/accounts/{self.account_id}/{path}"


def settings(stack: Stack, lane: LaneUnderTest, **changes: Any) -> Settings:
    """What a surface under test is told."""
    found: dict[str, Any] = {
        "database_url": stack.database_url,
        "redis_url": stack.redis_url,
        "kafka_bootstrap": stack.kafka_bootstrap,
        "rates": UNLIMITED,
        "commands_topic": lane.lane.topic.name,
        **changes,
    }
    return Settings(**found)


async def account(connection: Connection, *, flags: int = 0) -> str:
    """An account as the registration leaves it."""
    found, now = account_id(), datetime.now(UTC)
    await accounts.save(connection, {found: AccountRecord(AccountType.PAY_GO, flags, 1, None, now, now)})
    return found


async def token(
    connection: Connection, *account_ids: str, scopes: Iterable[str] = (WRITE,), **options: Any
) -> str:
    """An API token's secret."""
    _, secret = await api_tokens.create(
        connection, name="test", accounts=account_ids, scopes=list(scopes), **options
    )
    return secret


@asynccontextmanager
async def served(app: Starlette, *, proxies: str = "") -> AsyncIterator[str]:
    """The application behind a real server that believes these proxies; gives its URL."""
    with socket.socket(proto=socket.IPPROTO_TCP) as listener:  # else asyncio leaves Nagle on: 40 ms an answer
        listener.bind(("127.0.0.1", 0))
        listener.listen(512)
        port = listener.getsockname()[1]
        server = uvicorn.Server(uvicorn.Config(**serving(app, host="127.0.0.1", port=port, proxies=proxies)))
        task = asyncio.create_task(server._serve(sockets=[listener]))
        try:
            while not server.started:
                await asyncio.wait([task], timeout=0.01)
                if task.done():
                    task.result()
            yield f"http://127.0.0.1:{port}"
        finally:
            server.should_exit = True
            await task


@asynccontextmanager
async def client(url: str, secret: str) -> AsyncIterator[httpx.AsyncClient]:
    """httpx with a bearer token."""
    headers = {"Authorization": f"Bearer {secret}"} if secret else {}
    async with plain_http.client(base_url=url, headers=headers, timeout=30) as found:
        yield found


@asynccontextmanager
async def dashboard_caller(
    given: Settings, connection: Connection, *, proxies: str = ""
) -> AsyncIterator[Caller]:
    """A Dashboard of its own, and a caller with a fresh account."""
    found = await account(connection)
    secret = await token(connection, found)
    async with served(dashboard.create_app(given), proxies=proxies) as url, client(url, secret) as http:
        yield Caller(url, found, secret, http)


@dataclass(frozen=True, slots=True)
class Service:
    """A service that signs its tokens, and the registry that knows its public key."""

    name: str
    private: Mapping[str, str]
    public: Mapping[str, str]
    registry: Path

    def sign(self, *granted: str, now: datetime | None = None, **options: Any) -> str:
        """A token with these scopes, all there are if none is named."""
        return sign(
            self.private,
            caller=self.name,
            audience=options.pop("audience", AUDIENCE),
            scopes=granted or scopes.SCOPES,
            now=now or datetime.now(UTC),
            **options,
        )


def service(folder: Path, name: str = "accounts-service", granted: Iterable[str] = scopes.SCOPES) -> Service:
    """A service known to a registry in `folder`."""
    private, public = new_key(f"{name}-1")
    registry = folder / "callers.json"
    write_registry(registry, {name: {"audience": AUDIENCE, "scopes": sorted(granted), "keys": [public]}})
    return Service(name, private, public, registry)


def write_registry(path: Path, callers: Mapping[str, Any]) -> None:
    """Put the file in place as an operator would: at once."""
    written = path.with_suffix(".new")
    written.write_text(json.dumps({"callers": callers}))
    written.rename(path)


@asynccontextmanager
async def iapi_caller(given: Settings, connection: Connection, known: Service) -> AsyncIterator[Caller]:
    """An iAPI of its own, and a caller with every scope and a fresh account."""
    found, secret = await account(connection), known.sign()
    async with served(iapi.create_app(given, callers=known.registry)) as url, client(url, secret) as http:
        yield Caller(url, found, secret, http)
