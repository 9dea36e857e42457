"""The processes of the local fleet, as services of the sandbox's supervisor."""

import asyncio
import ssl
import sys
from typing import Final

import httpx
from aiokafka.errors import KafkaError
from asyncpg import PostgresError

from fleet.kafka_topics import TopicMismatchError, ensure_topics
from fleet.local import credentials
from fleet.local.settings import ROOT, WEBHOOK_SECRET, LocalSettings
from sandbox.local.folder import broken
from sandbox.local.service import Say, Service
from state.postgres.connection import connect
from state.postgres.migrate import MigrationFailedError, apply_migrations

SERVERS: Final = ("postgres", "redis", "kafka")
FIRST: Final = "worker-commands"
_NO_CERTIFICATES: Final = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Reading those of the system takes longer than asking a process of ours whether it is ready, many times a second."""


def plan(settings: LocalSettings) -> list[Service]:
    """Servers, the Stripe double, workers and entry points, each in a process of its own."""
    return [
        *settings.stack.plan(),
        _stripe(settings),
        _braintree(settings),
        _worker(settings, FIRST, ("commands", "relay"), settings.commands_worker_port),
        _worker(settings, "worker-bulk", ("facts", "bulk", "webhooks"), settings.bulk_worker_port),
        _worker(
            settings,
            "worker-effects",
            ("effects", "reconciler", "sweeps", "schedule", "paypal-batches"),
            settings.effects_worker_port,
        ),
        _entry_point(settings, "dashboard", settings.dashboard_port),
        _entry_point(settings, "iapi", settings.iapi_port),
        _entry_point(settings, "webhooks", settings.webhooks_port),
    ]


def _stripe(settings: LocalSettings) -> Service:
    hook = f"{settings.url(settings.webhooks_port)}/webhooks/stripe"
    more = ("--webhook-url", hook, "--webhook-secret", WEBHOOK_SECRET)
    return _double(settings, "sandbox", "stripe", settings.sandbox_port, *more)


def _braintree(settings: LocalSettings) -> Service:
    hook = f"{settings.url(settings.webhooks_port)}/webhooks/braintree"
    return _double(settings, "braintree", "braintree", settings.braintree_port, "--webhook-url", hook)


def _double(settings: LocalSettings, name: str, processor: str, port: int, *more: str) -> Service:
    data = settings.local_data / processor
    module = f"sandbox.{processor}"
    return Service(
        name=name,
        argv=(sys.executable, "-m", module, "--port", str(port), "--data", str(data), *more),
        cwd=ROOT,
        folder=data,
        ports=(port,),
        ready=lambda: _answers(f"{settings.url(port)}/_sandbox/ready"),
    )


def _worker(settings: LocalSettings, name: str, members: tuple[str, ...], port: int) -> Service:
    first = name == FIRST

    async def prepare(say: Say) -> None:
        say("bringing the schema and the topics up to date")
        await _prepare(settings)

    return Service(
        name=name,
        argv=(sys.executable, "-m", "fleet", "run", *members),
        env={**settings.environment(), "WORKER_PORT": str(port)},
        cwd=ROOT,
        after=SERVERS if first else (*SERVERS, FIRST),
        prepare=prepare if first else None,
        ports=(port,),
        ready=lambda: _answers(f"{settings.url(port)}/readyz"),
        stop_seconds=30,
    )


def _entry_point(settings: LocalSettings, surface: str, port: int) -> Service:
    return Service(
        name=surface,
        argv=(sys.executable, "-m", "fleet", "serve", surface),
        env=settings.environment(),
        cwd=ROOT,
        after=(*SERVERS, FIRST),
        ports=(port,),
        ready=lambda: _answers(f"{settings.url(port)}/readyz"),
    )


async def _prepare(settings: LocalSettings) -> None:
    # Only here: by now the ports and the data folder are ours, and so is what an earlier run left.
    settings.local_env_file.unlink(missing_ok=True)
    credentials.ensure_keys(settings.service_keys)
    connections = settings.stack.connections()

    async def migrate() -> None:
        connection = await connect(connections["DATABASE_URL"], name="migrate", patient=True)
        try:
            await apply_migrations(connection)
        finally:
            await connection.close()

    try:
        await asyncio.gather(migrate(), ensure_topics(connections["KAFKA_BOOTSTRAP"]))
    except (PostgresError, MigrationFailedError, KafkaError, TopicMismatchError) as error:
        what = f"cannot be brought up to date ({error})"
        raise broken(settings.local_data, what, data=settings.local_data) from error


async def worker_troubles(settings: LocalSettings) -> list[str]:
    """What the workers say keeps them from their work, one line each."""
    ports = (settings.commands_worker_port, settings.bulk_worker_port, settings.effects_worker_port)
    async with httpx.AsyncClient(timeout=2, verify=_NO_CERTIFICATES) as client:
        answers = [await _readiness(client, f"{settings.url(port)}/readyz") for port in ports]
    return [words for words in answers if words]


async def _readiness(client: httpx.AsyncClient, url: str) -> str:
    try:
        answer = await client.get(url)
    except httpx.HTTPError as error:
        return f"{url} does not answer ({type(error).__name__})"
    return "" if answer.is_success else f"{url} says: {answer.text.strip()}"


async def _answers(url: str) -> bool:
    try:
        async with httpx.AsyncClient(timeout=2, verify=_NO_CERTIFICATES) as client:
            return (await client.get(url)).is_success
    except httpx.HTTPError:
        return False
