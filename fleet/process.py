"""A worker process: members hosted by one FastStream application with health and metrics."""

import asyncio
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

import structlog
import uvicorn
import uvloop
from aiokafka.errors import KafkaError
from faststream.asgi import AsgiFastStream, AsgiResponse, get
from faststream.kafka import KafkaBroker
from prometheus_client import make_asgi_app

from fleet.garbage import collect_as_usual, collect_rarely
from fleet.kafka_topics import ensure_topics
from fleet.listening import listener
from fleet.members import Member, build
from fleet.priority import give_way
from fleet.settings import Settings

log = structlog.get_logger()

ASK_STRIPE: Final = frozenset({"effects", "sweeps"})
STOP_SECONDS: Final = 25.0
"""Longer than a revocation waits, shorter than what an orchestrator grants before it kills."""


class Host:
    """Runs members until one fails or the process is told to stop."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = names
        self._members: list[Member] = []
        self._server: uvicorn.Server | None = None
        self._ready = False
        self.failed = False

    def run(self, settings: Settings) -> None:
        """Serve until SIGTERM or SIGINT; `failed` says whether a member broke."""
        uvloop.run(self._serve(settings, listener("WORKER_PORT", settings.host, settings.worker_port)))

    async def _serve(self, settings: Settings, listening: socket.socket) -> None:
        give_way(self._names)
        self._members = [build(name, settings) for name in self._names]
        await _topics_are_there(settings)
        config = uvicorn.Config(
            self._application(settings),
            host=settings.host,
            port=settings.worker_port,
            log_config=None,
            access_log=False,
            lifespan="on",
        )
        self._server = uvicorn.Server(config)
        (collect_as_usual if ASK_STRIPE & set(self._names) else collect_rarely)()
        await self._server.serve(sockets=[listening])

    def _application(self, settings: Settings) -> AsgiFastStream:
        """FastStream wants a broker, so a process whose members bring none has an idle one."""
        brokers = [broker for member in self._members for broker in member.brokers]
        brokers = brokers or [KafkaBroker(settings.kafka_bootstrap, logger=None)]
        return AsgiFastStream(
            *brokers,
            lifespan=self._lifespan,
            asgi_routes=[
                ("/livez", get(self._livez)),
                ("/readyz", get(self._readyz)),
                ("/metrics", make_asgi_app()),
            ],
        )

    @asynccontextmanager
    async def _lifespan(self, **_options: Any) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(self._watch(member), name=member.name) for member in self._members]
        self._ready = True
        try:
            yield
        finally:
            self._ready = False
            for member in self._members:
                member.running.stop()
            _, late = await asyncio.wait(tasks, timeout=STOP_SECONDS)
            for task in late:
                log.error("member_killed", member=task.get_name())
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
            for member in self._members:
                await member.close()

    async def _watch(self, member: Member) -> None:
        """A member that breaks, or ends untold, takes the process with it: whoever started it starts it again."""
        try:
            await member.running.run()
        except asyncio.CancelledError as inner:
            if _to_be_cancelled():
                raise
            self._broken(member, inner)
        except Exception as error:
            self._broken(member, error)
        else:
            if self._ready:
                self._broken(member, None)

    def _broken(self, member: Member, error: BaseException | None) -> None:
        log.error("member_failed", member=member.name, exc_info=error)
        self.failed = True
        if self._server:
            self._server.should_exit = True

    async def _livez(self, _scope: Any) -> AsgiResponse:
        """Whether the process should be left running."""
        return _answer([reason for member in self._members if (reason := member.stuck())])

    async def _readyz(self, _scope: Any) -> AsgiResponse:
        """Whether it does its work."""
        reasons = [reason for member in self._members if (reason := member.trouble() or member.stuck())]
        return _answer(reasons if self._ready else ["starting or stopping"])


def _to_be_cancelled() -> bool:
    """Whether this task is cancelled itself, not something that it waited for."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


async def _topics_are_there(settings: Settings) -> None:
    """However long the brokers are away. Raises `TopicMismatchError`, or why a topic can't be made."""
    delay = 0.2
    while True:
        try:
            await ensure_topics(settings.kafka_bootstrap, replication=settings.topic_replication)
        except KafkaError as down:
            if not down.retriable:
                raise
            log.warning("waiting_for_kafka", error=type(down).__name__, retry_in=delay)
            await asyncio.sleep(delay)
            delay = min(5.0, delay * 2)
        else:
            return


def _answer(reasons: Sequence[str]) -> AsgiResponse:
    body = "\n".join(reasons) or "ok"
    return AsgiResponse(body.encode(), 503 if reasons else 200, {"content-type": "text/plain; charset=utf-8"})
