"""One Dashboard and one iAPI with a worker behind them, for all tests of this room; an account for each test.

Starting them takes longer than most tests. Whoever breaks something starts a surface of their own.
"""

from collections.abc import AsyncIterator
from uuid import uuid4

import asyncpg
import pytest
import pytest_asyncio
from redis.asyncio import Redis

from producers.dashboard import app as dashboard_app
from producers.iapi import app as iapi_app
from state.postgres.connection import Connection
from state.redis.connection import connect as connect_redis
from tests.conftest import Servers, Stack
from tests.consumers.lanes import LaneUnderTest, lane_under_test
from tests.producers.surfaces import Caller, Service, account, client, served, service, settings, token


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def stack(servers: Servers, template: str) -> AsyncIterator[Stack]:
    """A database for this room."""
    name = f"t_{uuid4().hex[:16]}"
    admin = await asyncpg.connect(servers.database_url)
    await admin.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
    try:
        yield Stack(servers.database(name), servers.redis_url, servers.kafka_bootstrap)
    finally:
        await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
        await admin.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def room_redis(stack: Stack) -> AsyncIterator[Redis]:
    """A client for the lanes of this room."""
    found = connect_redis(stack.redis_url)
    try:
        yield found
    finally:
        await found.aclose()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def lane(stack: Stack, room_redis: Redis) -> AsyncIterator[LaneUnderTest]:
    """A commands lane with a worker."""
    async with lane_under_test("commands", stack, room_redis) as found, found.running():
        yield found


@pytest_asyncio.fixture(loop_scope="session")
async def idle_lane(stack: Stack, room_redis: Redis) -> AsyncIterator[LaneUnderTest]:
    """A commands lane of a test's own, on which no worker works yet."""
    async with lane_under_test("commands", stack, room_redis) as found:
        yield found


@pytest_asyncio.fixture(loop_scope="session")
async def facts(stack: Stack, room_redis: Redis) -> AsyncIterator[LaneUnderTest]:
    """A facts lane of a test's own, on which no worker works yet."""
    async with lane_under_test("facts", stack, room_redis) as found:
        yield found


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def dashboard_url(stack: Stack, lane: LaneUnderTest) -> AsyncIterator[str]:
    """Where the Dashboard is."""
    async with served(dashboard_app.create_app(settings(stack, lane))) as url:
        yield url


@pytest.fixture(scope="session")
def known_service(tmp_path_factory: pytest.TempPathFactory) -> Service:
    """A service whose key the iAPI knows."""
    return service(tmp_path_factory.mktemp("callers"))


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def iapi_url(stack: Stack, lane: LaneUnderTest, known_service: Service) -> AsyncIterator[str]:
    """Where the iAPI is."""
    app = iapi_app.create_app(settings(stack, lane), callers=known_service.registry)
    async with served(app) as url:
        yield url


@pytest_asyncio.fixture(loop_scope="session")
async def dashboard(dashboard_url: str, connection: Connection) -> AsyncIterator[Caller]:
    """A caller of the Dashboard with a fresh account and a token for it."""
    found = await account(connection)
    secret = await token(connection, found)
    async with client(dashboard_url, secret) as http:
        yield Caller(dashboard_url, found, secret, http)


@pytest_asyncio.fixture(loop_scope="session")
async def iapi(iapi_url: str, connection: Connection, known_service: Service) -> AsyncIterator[Caller]:
    """A caller of the iAPI with every scope and a fresh account."""
    found, secret = await account(connection), known_service.sign()
    async with client(iapi_url, secret) as http:
        yield Caller(iapi_url, found, secret, http)
