"""The servers of all drills, and a seed for each."""

import os
import random
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.drills.servers import Servers, servers


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def drill_servers(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Servers]:
    """PostgreSQL, Redis, Kafka and Stripe of the drills' own: they are broken again and again."""
    async with servers(tmp_path_factory.mktemp("drills")) as found:
        yield found


@pytest.fixture
def seed() -> int:
    """A new one each time, or `DRILL_SEED` to repeat a failure. It is printed."""
    found = int(os.environ.get("DRILL_SEED") or random.randrange(10**6))
    print(f"seed {found}")
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the processes of this drill write their logs."""
    return tmp_path / "logs"
