"""The servers every test shares, and a database of its own for each test that wants one."""

import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import asyncpg
import pytest
import pytest_asyncio
from redis.asyncio import Redis

from fleet.kafka_topics import ensure_topics
from state.postgres.connection import Connection, connect
from state.postgres.migrate import apply_migrations
from state.redis.connection import connect as connect_redis

ROOT = Path(__file__).parent.parent
TEMPLATE = "tests_template"


@dataclass(frozen=True, slots=True)
class Servers:
    """Where the real servers are. `database_url` names the maintenance database."""

    database_url: str
    redis_url: str
    kafka_bootstrap: str

    def database(self, name: str) -> str:
        """The address of another database on the same server."""
        return urlunsplit(urlsplit(self.database_url)._replace(path=f"/{name}"))


@dataclass(frozen=True, slots=True)
class Stack:
    """What a test runs against: a migrated database of its own on the shared servers."""

    database_url: str
    redis_url: str
    kafka_bootstrap: str


def _read(env_file: Path) -> Servers:
    lines = (line.removeprefix("export ").partition("=") for line in env_file.read_text().splitlines())
    found = {name: value.strip("'\"") for name, separator, value in lines if separator}
    return Servers(found["DATABASE_URL"], found["REDIS_URL"], found["KAFKA_BOOTSTRAP"])


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """PostgreSQL, Redis and Kafka; those named by `TEST_STACK_ENV` if somebody keeps them running."""
    if kept := os.environ.get("TEST_STACK_ENV"):
        yield _read(Path(kept))
        return
    folder = tmp_path_factory.mktemp("stack")
    env_file = folder / "stack.env"
    command = [sys.executable, "-m", "sandbox.local", "--data", str(folder / "data"), "--ports", "auto"]
    with subprocess.Popen([*command, "--env-file", str(env_file)], cwd=ROOT) as process:
        try:
            _wait_for(env_file, process)
            yield _read(env_file)
        finally:
            process.terminate()
            process.wait(30)


def _wait_for(env_file: Path, process: subprocess.Popen[bytes]) -> None:
    while not env_file.exists():
        try:
            code = process.wait(0.1)
        except subprocess.TimeoutExpired:
            continue
        pytest.exit(f"the local servers did not start (exit {code})", returncode=3)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def template(servers: Servers) -> str:
    """A migrated database that others are copied from, and the topics."""
    await ensure_topics(servers.kafka_bootstrap)
    admin = await asyncpg.connect(servers.database_url)
    await admin.execute(f"DROP DATABASE IF EXISTS {TEMPLATE} WITH (FORCE)")
    await admin.execute(f"CREATE DATABASE {TEMPLATE}")
    await admin.close()
    connection = await connect(servers.database(TEMPLATE), name="template")
    await apply_migrations(connection, contract=True)
    await connection.close()
    return TEMPLATE


@pytest_asyncio.fixture(loop_scope="session")
async def stack(servers: Servers, template: str) -> AsyncIterator[Stack]:
    """A database for this test alone."""
    name = f"t_{uuid4().hex[:16]}"
    admin = await asyncpg.connect(servers.database_url)
    await admin.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
    try:
        yield Stack(servers.database(name), servers.redis_url, servers.kafka_bootstrap)
    finally:
        await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
        await admin.close()


@pytest_asyncio.fixture(loop_scope="session")
async def connection(stack: Stack) -> AsyncIterator[Connection]:
    """A connection to this test's database."""
    opened = await connect(stack.database_url, name="test")
    try:
        yield opened
    finally:
        await opened.close()


@pytest_asyncio.fixture(loop_scope="session")
async def redis(stack: Stack) -> AsyncIterator[Redis]:
    """A client of the shared Redis."""
    client = connect_redis(stack.redis_url)
    try:
        yield client
    finally:
        await client.aclose()
