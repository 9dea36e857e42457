"""Members of the fleet as processes of their own, exactly as they are deployed."""

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from pathlib import Path
from typing import Final

import httpx

from bench.servers import Servers

Process = asyncio.subprocess.Process

START_SECONDS: Final = 60.0
STOP_SECONDS: Final = 30.0


class NotReadyError(Exception):
    """A process ended or did not become ready in time; the sentence names its log."""


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@asynccontextmanager
async def process(
    *arguments: str, servers: Servers, logs: Path, settings: Mapping[str, str] | None = None
) -> AsyncIterator[Process]:
    """`python -m <arguments>` until the block ends, with its output in a file under `logs`."""
    logs.mkdir(parents=True, exist_ok=True)
    environment = {**os.environ, "LOG_LEVEL": "WARNING", **servers.environment(), **(settings or {})}
    with _log(logs, arguments).open("ab") as output:
        started = await asyncio.create_subprocess_exec(
            sys.executable, "-m", *arguments, stdout=output, stderr=output, env=environment
        )
        try:
            yield started
        finally:
            await stop(started)


def worker(
    *members: str, servers: Servers, logs: Path, settings: Mapping[str, str] | None = None
) -> AbstractAsyncContextManager[Process]:
    """A worker process with these members, from its readiness on."""
    port = free_port()
    told = {"WORKER_PORT": str(port), **(settings or {})}
    return _ready(("fleet", "run", *members), port, servers, logs, told)


def surface(
    name: str, *, port: int, servers: Servers, logs: Path, settings: Mapping[str, str] | None = None
) -> AbstractAsyncContextManager[Process]:
    """A process that serves an entry point on `port`, from its readiness on."""
    told = {f"{name.upper()}_PORT": str(port), **(settings or {})}
    return _ready(("fleet", "serve", name), port, servers, logs, told)


async def stop(running: Process) -> None:
    """As an orchestrator does it: asked first, killed when it does not listen."""
    with suppress(ProcessLookupError):
        running.terminate()
    try:
        async with asyncio.timeout(STOP_SECONDS):
            await running.wait()
    except TimeoutError:
        running.kill()
        await running.wait()


@asynccontextmanager
async def _ready(
    arguments: tuple[str, ...], port: int, servers: Servers, logs: Path, settings: Mapping[str, str]
) -> AsyncIterator[Process]:
    async with process(*arguments, servers=servers, logs=logs, settings=settings) as started:
        await _answers(started, f"http://127.0.0.1:{port}/readyz", _log(logs, arguments))
        yield started


async def _answers(started: Process, url: str, log: Path) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(START_SECONDS), httpx.AsyncClient() as client:
            while started.returncode is None:
                with suppress(httpx.HTTPError):
                    if (await client.get(url)).is_success:
                        return
                await asyncio.sleep(0.05)
    raise NotReadyError(f"A process of the fleet did not become ready; {log} says why.")


def _log(logs: Path, arguments: tuple[str, ...]) -> Path:
    return logs / f"{'-'.join(arguments)}.log"
