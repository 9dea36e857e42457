"""The servers of a drill: its own PostgreSQL, Redis, Kafka and doubles of both processors, with a way to break each."""

import asyncio
import logging
import sys
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import httpx
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError
from redis.asyncio import Redis
from redis.exceptions import RedisError

from fleet.kafka_topics import ensure_topics
from fleet.local.credentials import ensure_keys
from sandbox.braintree.world import MERCHANT, PRIVATE_KEY, PUBLIC_KEY
from sandbox.local.faults import Faults
from sandbox.local.ports import free_ports
from sandbox.local.proxy import FaultProxy
from sandbox.local.service import Service
from sandbox.local.stack import LocalStack
from sandbox.local.supervisor import Supervisor
from sandbox.stripe.world import API_KEY
from state.postgres.connection import STORE_DOWN, connect
from state.postgres.migrate import apply_migrations
from tests import plain_http
from topics.table import TOPICS

ROOT: Final = Path(__file__).parents[2]
PATIENCE: Final = 120.0
"""Seconds after which a server that does not come back is a broken drill."""
DOUBLES: Final = ("stripe", "braintree")
WEBHOOK_SECRET: Final = "whsec_of_the_drills"


@dataclass(frozen=True, slots=True)
class Servers:
    """Where everything is. The proxies stand before PostgreSQL and Redis for those who are told of them."""

    stack: LocalStack
    faults: Faults
    stripe_url: str
    braintree_url: str
    service_keys: Path
    postgres_proxy: FaultProxy
    redis_proxy: FaultProxy

    @property
    def bootstrap(self) -> str:
        """Kafka's address."""
        return self.stack.connections()["KAFKA_BOOTSTRAP"]

    def environment(self, database: str, *, through_proxy: bool = False) -> dict[str, str]:
        """What a process of the fleet is told. Redis is always behind its proxy."""
        postgres = self.postgres_proxy.port if through_proxy else self.stack.postgres_port
        return {
            "DATABASE_URL": self.database_url(database, port=postgres),
            "REDIS_URL": f"redis://127.0.0.1:{self.redis_proxy.port}/0",
            "KAFKA_BOOTSTRAP": self.bootstrap,
            "STRIPE_API_BASE": self.stripe_url,
            "STRIPE_API_KEY": API_KEY,
            "STRIPE_WEBHOOK_SECRETS": WEBHOOK_SECRET,
            "BRAINTREE_ENVIRONMENT": self.braintree_url,
            "BRAINTREE_MERCHANT_ID": MERCHANT,
            "BRAINTREE_PUBLIC_KEY": PUBLIC_KEY,
            "BRAINTREE_PRIVATE_KEY": PRIVATE_KEY,
            "SERVICE_KEYS": str(self.service_keys),
        }

    def database_url(self, database: str, *, port: int | None = None) -> str:
        """The address of a database."""
        parts = urlsplit(self.stack.connections()["DATABASE_URL"])
        user = parts.netloc.partition("@")[0]
        netloc = f"{user}@127.0.0.1:{port or self.stack.postgres_port}"
        return urlunsplit(parts._replace(netloc=netloc, path=f"/{database}"))

    async def fresh(self, database: str) -> None:
        """An empty database with the schema, empty topics, an empty Redis and empty processors."""
        await asyncio.gather(
            self._fresh_database(database),
            self._fresh_topics(),
            self.forget_redis(),
            self._fresh_processors(),
        )

    async def forget_redis(self) -> None:
        """Flush everything Redis knows."""
        client = Redis.from_url(self.stack.connections()["REDIS_URL"])
        try:
            await client.flushall()
        finally:
            await client.aclose()

    async def _fresh_database(self, database: str) -> None:
        admin = await asyncpg.connect(self.stack.connections()["DATABASE_URL"])
        try:
            await admin.execute(f"DROP DATABASE IF EXISTS {database} WITH (FORCE)")
            await admin.execute(f"CREATE DATABASE {database}")
        finally:
            await admin.close()
        connection = await connect(self.database_url(database), name="drill-migrations")
        try:
            await apply_migrations(connection, contract=True)
        finally:
            await connection.close()

    async def _fresh_topics(self) -> None:
        """Delete and make the topics; Kafka forgets the groups' offsets with them."""
        names = {topic.name for topic in TOPICS}
        admin = AIOKafkaAdminClient(bootstrap_servers=self.bootstrap)
        await admin.start()
        try:
            async with asyncio.timeout(PATIENCE):
                if old := names & set(await admin.list_topics()):
                    await admin.delete_topics(sorted(old))
                while names & set(await admin.list_topics()):
                    await asyncio.sleep(0.05)
        finally:
            await admin.close()
        await ensure_topics(self.bootstrap)
        await self.until_kafka_serves()

    async def until_kafka_serves(self) -> None:
        """Wait until every partition has a leader that answers."""
        tps = [TopicPartition(topic.name, p) for topic in TOPICS for p in range(topic.partitions)]
        async with asyncio.timeout(PATIENCE):
            while True:
                consumer = AIOKafkaConsumer(bootstrap_servers=self.bootstrap, request_timeout_ms=5000)
                try:
                    await consumer.start()
                    await consumer.end_offsets(tps)
                except KafkaError:
                    await asyncio.sleep(0.1)
                else:
                    return
                finally:
                    await consumer.stop()

    async def until_redis_answers(self) -> None:
        """Wait for Redis."""
        client = Redis.from_url(self.stack.connections()["REDIS_URL"], socket_timeout=2)
        try:
            async with asyncio.timeout(PATIENCE):
                while True:
                    with suppress(RedisError, OSError):
                        await client.ping()
                        return
                    await asyncio.sleep(0.05)
        finally:
            await client.aclose()

    async def break_stripe(self, *faults: dict[str, Any]) -> None:
        """Add faults to the double's plan (sandbox/stripe/faults.py), without an end unless they say so."""
        await _tell(self.stripe_url, *_added(faults))

    async def mend_stripe(self) -> None:
        """Empty the plan of faults."""
        await _tell(self.stripe_url, _NO_FAULTS)

    async def break_braintree(self, *faults: dict[str, Any]) -> None:
        """The same of Braintree's double."""
        await _tell(self.braintree_url, *_added(faults))

    async def mend_braintree(self) -> None:
        """Empty its plan of faults."""
        await _tell(self.braintree_url, _NO_FAULTS)

    async def say_to_stripe(self, method: str, path: str, given: dict[str, Any] | None = None) -> None:
        """A word to the control API of Stripe's double."""
        await _tell(self.stripe_url, (method, path, given))

    async def send_webhooks_to(self, url: str) -> None:
        """Have both processors send what happens to the entry point at `url`, signed as it expects."""
        headers = {"Authorization": f"Bearer {API_KEY}"}
        asked = {"url": f"{url}/webhooks/stripe", "enabled_events[]": "*"}
        async with plain_http.client(headers=headers) as client:
            made = await client.post(f"{self.stripe_url}/v1/webhook_endpoints", data=asked)
        endpoint = made.raise_for_status().json()["id"]
        roll = ("POST", f"/webhooks/{endpoint}/roll", {"secret": WEBHOOK_SECRET})
        await _tell(self.stripe_url, roll)
        to = {"webhook_url": f"{url}/webhooks/braintree"}
        await _tell(self.braintree_url, ("PATCH", "/settings", to))

    async def _fresh_processors(self) -> None:
        unlimited = {"limits": {"account": 0, "endpoint": 0, "endpoints": {}}}
        emptied = (("POST", "/reset", None), _NO_FAULTS)
        await _tell(self.stripe_url, *emptied, ("PATCH", "/settings", unlimited))
        await _tell(self.braintree_url, *emptied)


_Said = tuple[str, str, dict[str, Any] | None]
"""A request to a double's control API: method, path, body."""
_NO_FAULTS: Final[_Said] = ("DELETE", "/faults", None)


def _added(faults: Iterable[dict[str, Any]]) -> list[_Said]:
    return [("POST", "/faults", {"times": None, **fault}) for fault in faults]


async def _tell(url: str, *said: _Said) -> None:
    async with plain_http.client(base_url=f"{url}/_sandbox") as client:
        for method, path, body in said:
            (await client.request(method, path, json=body)).raise_for_status()


@asynccontextmanager
async def servers(folder: Path) -> AsyncIterator[Servers]:
    """Servers with their data under `folder`, which nobody else uses."""
    for chatty in ("aiokafka", "migrations"):
        logging.getLogger(chatty).setLevel(logging.CRITICAL)
    stack = LocalStack.on_free_ports(folder / "data")
    data = folder / "data"
    stripe, braintree = (_double(name, data, port) for name, port in zip(DOUBLES, free_ports(2), strict=True))
    keys = folder / "service-keys.json"
    ensure_keys(keys)
    quiet = (folder / "servers.log").open("a")
    with quiet:

        def say(line: str) -> None:
            print(f"{time.strftime('%H:%M:%S')} {line}", file=quiet, flush=True)

        async with (
            Supervisor([*stack.plan(), stripe, braintree], data=data, say=say),
            FaultProxy(stack.postgres_port) as postgres_proxy,
            FaultProxy(stack.redis_port) as redis_proxy,
        ):
            urls = [f"http://127.0.0.1:{double.ports[0]}" for double in (stripe, braintree)]
            yield Servers(stack, Faults(data), urls[0], urls[1], keys, postgres_proxy, redis_proxy)


def _double(name: str, data: Path, port: int) -> Service:
    argv = (
        *(sys.executable, "-m", f"sandbox.{name}"),
        *("--port", str(port), "--data", str(data / name)),
    )
    url = f"http://127.0.0.1:{port}/_sandbox/ready"
    return Service(name=name, argv=argv, cwd=ROOT, ports=(port,), ready=lambda: _answers(url))


async def _answers(url: str) -> bool:
    try:
        async with plain_http.client(timeout=2) as client:
            return (await client.get(url)).is_success
    except httpx.HTTPError:
        return False


async def until_postgres_answers(dsn: str) -> None:
    """Wait for PostgreSQL."""
    async with asyncio.timeout(PATIENCE):
        while True:
            with suppress(*STORE_DOWN):
                connection = await connect(dsn, name="drill-probe")
                await connection.close()
                return
            await asyncio.sleep(0.05)
