"""Data folders that are broken: each is a message that says which it is and what to do."""

import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from redis.asyncio import Redis

from sandbox.local.children import recorded
from sandbox.local.kafka import kafka
from sandbox.local.ports import free_ports
from sandbox.local.postgres import postgres
from sandbox.local.redis import redis, url
from sandbox.local.service import CannotStart
from sandbox.local.supervisor import Supervisor

pytestmark = pytest.mark.stack


def advises(problem: CannotStart, folder: Path, data: Path) -> bool:
    """Whether it names the folder that is broken and what to do."""
    return f"{folder} " in str(problem) and f"`mv {data} {data}.broken`" in str(problem)


def quietly(_: str) -> None:
    """What is said is not the point here."""


@pytest.fixture
def port() -> int:
    return free_ports(1)[0]


@pytest.fixture
def data(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "data"
    assert recorded(tmp_path / "data") == {}


@pytest.mark.parametrize(
    ("breaking", "words"),
    [
        (lambda folder: (folder / "PG_VERSION").write_text("16\n"), "was made by PostgreSQL 16"),
        (lambda folder: (folder / "PG_VERSION").unlink(), "has no PG_VERSION"),
        (lambda folder: (folder / "PG_VERSION").write_bytes(b"\xff"), "has a damaged PG_VERSION"),
        (lambda folder: shutil.rmtree(folder / "global"), "postgres ended before it was ready"),
    ],
    ids=["other version", "no version", "damaged version", "files lost"],
)
@pytest.mark.asyncio
async def test_a_broken_database_folder_is_a_message(
    breaking: Callable[[Path], object], words: str, data: Path, port: int
) -> None:
    async with Supervisor([postgres(data, port=port)], data=data, say=quietly):
        pass
    breaking(data / "postgres")
    with pytest.raises(CannotStart, match=words) as problem:
        async with Supervisor([postgres(data, port=port)], data=data, say=quietly):
            pytest.fail("it started")
    assert advises(problem.value, data / "postgres", data)


@pytest.mark.asyncio
async def test_redis_writes_nothing_and_takes_away_what_an_earlier_release_wrote(
    data: Path, port: int
) -> None:
    folder = data / "redis"
    async with Supervisor([redis(data, port=port)], data=data, say=quietly):
        pass
    (folder / "appendonly.aof").write_text("a client secret")
    async with Supervisor([redis(data, port=port)], data=data, say=quietly):
        assert list(folder.iterdir()) == []
        async with Redis.from_url(url(port)) as client:
            await client.set("handover", "a nonce")
    assert list(folder.iterdir()) == [], "not when it ends either"


@pytest.mark.parametrize(
    ("properties", "words"),
    [
        (None, r"no readable meta\.properties"),
        (b"\xff\xfe", r"no readable meta\.properties"),
        (b"", r"a damaged meta\.properties"),
        (b"version=1\nnode.id=1\ncluster", r"a damaged meta\.properties"),
        (b"version=1\nnode.id=2\ncluster.id=abc\n", r"a damaged meta\.properties"),
    ],
    ids=["lost", "not text", "empty", "cut short", "of another node"],
)
@pytest.mark.asyncio
async def test_a_damaged_kafka_folder_is_a_message(
    properties: bytes | None, words: str, data: Path, port: int
) -> None:
    (data / "logs").mkdir(parents=True)
    (data / "stack.json").write_text('{"format": 1}')
    log = data / "kafka" / "log"
    log.mkdir(parents=True)
    if properties is not None:
        (log / "meta.properties").write_bytes(properties)
    with pytest.raises(CannotStart, match=words) as problem:
        async with Supervisor([kafka(data, port=port, controller_port=port + 1)], data=data, say=quietly):
            pytest.fail("it started")
    assert advises(problem.value, log, data)


@pytest.mark.asyncio
async def test_a_kafka_that_stumbles_over_its_data_says_why_without_a_stack_of_java(
    data: Path, port: int
) -> None:
    service = kafka(data, port=port, controller_port=port + 1)
    async with Supervisor([service], data=data, say=quietly):
        pass
    shutil.rmtree(data / "kafka" / "log" / "__cluster_metadata-0")
    (data / "kafka" / "log" / "__cluster_metadata-0").write_text("no folder")
    with pytest.raises(CannotStart, match="kafka ended before it was ready") as problem:
        async with Supervisor([service], data=data, say=quietly):
            pytest.fail("it started")
    assert advises(problem.value, data / "kafka" / "log", data)
    assert "__cluster_metadata-0" in str(problem.value)
    assert "\tat " not in str(problem.value)


@pytest.mark.asyncio
async def test_a_first_start_that_fails_blames_no_data(data: Path, port: int) -> None:
    refused = replace(
        redis(data, port=port), argv=(sys.executable, "-c", "import sys; sys.exit('no memory')")
    )
    with pytest.raises(CannotStart, match="no memory") as problem:
        async with Supervisor([refused], data=data, say=quietly):
            pytest.fail("it started")
    assert "broken" not in str(problem.value)


@pytest.mark.asyncio
async def test_a_start_cut_short_in_the_middle_is_made_good_by_the_next(data: Path, port: int) -> None:
    half = data / "postgres.new"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    (data / "stack.json").write_text('{"format": 1}')
    async with Supervisor([postgres(data, port=port)], data=data, say=quietly):
        assert (data / "postgres" / "pg_hba.conf").exists()
