"""The three real servers: they answer, keep their data, and go without a trace."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import psutil
import pytest
import pytest_asyncio
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from sandbox.local.faults import Faults
from sandbox.local.proxy import FaultProxy
from sandbox.local.stack import LocalStack

PROJECT = Path(__file__).parents[2]
pytestmark = pytest.mark.stack


class Running:
    """`python -m sandbox.local` in a process of its own."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.env_file = data.parent / "stack.env"
        self.connections: dict[str, str] = {}
        self.family: list[psutil.Process] = []
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def process(self) -> subprocess.Popen[bytes]:
        assert self._process is not None
        return self._process

    async def start(self) -> None:
        options = ("--data", str(self.data), "--ports", "auto", "--env-file", str(self.env_file))
        self._process = subprocess.Popen([sys.executable, "-m", "sandbox.local", *options], cwd=PROJECT)
        await until(lambda: self.env_file.exists() or self.process.poll() is not None)
        assert self.process.poll() is None, "the stack did not start"
        shell = f". {self.env_file}; env"
        lines = subprocess.run(["sh", "-c", shell], capture_output=True, text=True, check=True).stdout
        self.connections = dict(line.split("=", 1) for line in lines.splitlines() if "=" in line)
        self.family = psutil.Process(self.process.pid).children(recursive=True)

    async def end(self, how: signal.Signals) -> int:
        """Ends it and returns the exit code, when none of its processes is left."""
        self.process.send_signal(how)
        code = await asyncio.to_thread(self.process.wait, 60)
        await until(lambda: not any(is_alive(process) for process in self.family))
        return code

    async def connect(
        self, *, user: str = "billing", port: int | None = None
    ) -> "asyncpg.Connection[asyncpg.Record]":
        return await asyncpg.connect(self.connections["DATABASE_URL"], user=user, port=port)

    def redis(self) -> "Redis":
        return Redis.from_url(self.connections["REDIS_URL"])

    @property
    def bootstrap(self) -> str:
        return self.connections["KAFKA_BOOTSTRAP"]


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(100):
        while not condition():
            await asyncio.sleep(0.02)


def is_alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    running = Running(tmp_path_factory.mktemp("stack") / "data")
    await running.start()
    yield running
    await running.end(signal.SIGTERM)


async def produce(stack: Running, topic: str, values: list[bytes]) -> None:
    async with AIOKafkaProducer(bootstrap_servers=stack.bootstrap, enable_idempotence=True) as producer:
        for value in values:
            await producer.send_and_wait(topic, value)


async def consume(stack: Running, topic: str, count: int, *, group: str) -> list[bytes | None]:
    consumer = AIOKafkaConsumer(
        topic,
        bootstrap_servers=stack.bootstrap,
        group_id=group,
        auto_offset_reset="earliest",
        session_timeout_ms=1000,
        heartbeat_interval_ms=300,
    )
    async with consumer, asyncio.timeout(60):
        return [(await consumer.getone()).value for _ in range(count)]


async def make_topic(stack: Running, name: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=stack.bootstrap)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(name, num_partitions=2, replication_factor=1)])
    finally:
        await admin.close()


@pytest.mark.asyncio
async def test_postgresql_18_answers_with_durable_commits(stack: Running) -> None:
    connection = await stack.connect()
    assert (await connection.fetchval("SELECT version()")).startswith("PostgreSQL 18")
    for setting, value in {
        "synchronous_commit": "on",
        "fsync": "on",
        "jit": "off",
        "TimeZone": "UTC",
    }.items():
        assert await connection.fetchval("SELECT current_setting($1)", setting) == value
    assert await connection.fetchval("SELECT lower('ŻÓŁĆ')") == "żółć"
    await connection.close()


@pytest.mark.asyncio
async def test_the_fleet_is_no_superuser_and_no_superuser_gets_in(stack: Running) -> None:
    connection = await stack.connect()
    assert await connection.fetchval("SELECT rolsuper FROM pg_roles WHERE rolname = current_user") is False
    await connection.execute("CREATE DATABASE scratch TEMPLATE template0")
    await connection.execute("DROP DATABASE scratch")
    await connection.close()
    with pytest.raises(asyncpg.InvalidAuthorizationSpecificationError):
        await stack.connect(user="postgres")


@pytest.mark.asyncio
async def test_redis_answers(stack: Running) -> None:
    async with stack.redis() as client:
        assert await client.ping() is True


@pytest.mark.asyncio
async def test_kafka_takes_and_gives_messages_but_makes_no_topic_unasked(stack: Running) -> None:
    await make_topic(stack, "letters")
    await produce(stack, "letters", [b"a", b"b"])
    assert set(await consume(stack, "letters", 2, group="readers")) == {b"a", b"b"}
    admin = AIOKafkaAdminClient(bootstrap_servers=stack.bootstrap)
    await admin.start()
    await admin.describe_topics(["typo"])
    assert "typo" not in await admin.list_topics()
    await admin.close()


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
@pytest.mark.asyncio
async def test_data_survives_and_no_process_does(how: signal.Signals, stack: Running) -> None:
    topic = f"kept-{how.name.lower()}"
    connection = await stack.connect()
    await connection.execute("DROP TABLE IF EXISTS kept")
    await connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    async with stack.redis() as client:
        await client.set("kept", how.name)
    await make_topic(stack, topic)
    await produce(stack, topic, [b"kept"])

    code = await stack.end(how)

    assert code == (0 if how == signal.SIGTERM else -how)
    assert stack.env_file.exists() is (how == signal.SIGKILL)
    connection.terminate()
    stack.env_file.unlink(missing_ok=True)
    await stack.start()
    connection = await stack.connect()
    assert await connection.fetchval("SELECT answer FROM kept") == 42
    await connection.close()
    async with stack.redis() as client:
        assert await client.get("kept") is None, "Redis holds nothing that has to survive"
    assert await consume(stack, topic, 1, group="readers") == [b"kept"]


@pytest.mark.parametrize("name", ["postgres", "redis", "kafka"])
@pytest.mark.asyncio
async def test_a_killed_server_comes_back(name: str, stack: Running) -> None:
    faults = Faults(stack.data)
    old = await faults.kill(name)
    assert await faults.until_ready(name, other_than=old) != old
    stack.family = psutil.Process(stack.process.pid).children(recursive=True)


@pytest.mark.asyncio
async def test_an_immediate_restart_of_postgresql_keeps_what_was_committed(stack: Running) -> None:
    connection = await stack.connect()
    await connection.execute("CREATE TABLE committed (n int)")
    await connection.execute("INSERT INTO committed VALUES (1)")
    transaction = connection.transaction()
    await transaction.start()
    await connection.execute("INSERT INTO committed VALUES (2)")
    await Faults(stack.data).restart("postgres", immediate=True)
    connection.terminate()
    connection = await stack.connect()
    assert await connection.fetchval("SELECT array_agg(n) FROM committed") == [1]
    await connection.close()


@pytest.mark.asyncio
async def test_a_stopped_redis_refuses_until_it_is_started(stack: Running) -> None:
    faults = Faults(stack.data)
    await faults.stop("redis")
    async with stack.redis() as client:
        with pytest.raises(RedisConnectionError):
            await client.ping()
    await faults.start("redis")
    async with stack.redis() as client:
        assert await client.ping() is True


@pytest.mark.asyncio
async def test_a_paused_postgresql_answers_late_but_loses_nothing(stack: Running) -> None:
    connection = await stack.connect()
    faults = Faults(stack.data)
    await faults.pause("postgres")
    late = asyncio.create_task(connection.fetchval("SELECT 1"))
    await asyncio.sleep(0.2)
    assert not late.done()
    await faults.resume("postgres")
    assert await late == 1
    await connection.close()


@pytest.mark.asyncio
async def test_a_reply_lost_after_commit_leaves_the_row_and_a_client_in_doubt(stack: Running) -> None:
    port = urlsplit(stack.connections["DATABASE_URL"]).port
    assert port is not None
    async with FaultProxy(port) as proxy:
        connection = await stack.connect(port=proxy.port)
        await connection.execute("CREATE TABLE doubtful (n int)")
        lost = proxy.drop_reply_to(lambda sent: b"COMMIT" in sent)
        with pytest.raises((OSError, asyncpg.PostgresConnectionError)):
            async with connection.transaction():
                await connection.execute("INSERT INTO doubtful VALUES (7)")
        assert lost.is_set()
    direct = await stack.connect()
    assert await direct.fetchval("SELECT n FROM doubtful") == 7
    await direct.close()


@pytest.mark.asyncio
async def test_a_second_stack_on_the_same_folder_says_so_and_ends_with_2(stack: Running) -> None:
    pid = Faults(stack.data).pid("postgres")
    command = [sys.executable, "-m", "sandbox.local", "--data", str(stack.data), "--ports", "auto"]
    second = await asyncio.to_thread(subprocess.run, command, cwd=PROJECT, capture_output=True, text=True)
    assert second.returncode == 2
    assert f"Another run (process {stack.process.pid}) is using the data folder" in second.stderr
    assert "Traceback" not in second.stderr
    assert Faults(stack.data).pid("postgres") == pid


def test_free_ports_are_all_different(tmp_path: Path) -> None:
    stack = LocalStack.on_free_ports(tmp_path)
    ports = {stack.postgres_port, stack.redis_port, stack.kafka_port, stack.kafka_controller_port}
    assert len(ports) == 4
    assert str(stack.postgres_port) in stack.connections()["DATABASE_URL"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to give up its rights")
@pytest.mark.asyncio
async def test_postgresql_does_not_run_as_root(stack: Running) -> None:
    process = psutil.Process(Faults(stack.data).pid("postgres"))
    assert process.uids().real != 0
    assert (stack.data / "postgres").stat().st_uid == process.uids().real
