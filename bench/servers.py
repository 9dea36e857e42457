"""The servers a run measures on: its own from `sandbox.local`, or those an environment file names."""

import asyncio
import shlex
import shutil
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit, urlunsplit

import asyncpg

START_SECONDS: Final = 180.0
LOG_MEGABYTES: Final = 1024
MESSAGE_MEGABYTES: Final = 8


class NoServersError(Exception):
    """The servers did not come up; the sentence says where to look."""


@dataclass(frozen=True, slots=True)
class Servers:
    """One PostgreSQL, Redis and Kafka, used by nobody else while the run lasts."""

    database_url: str
    redis_url: str
    kafka_bootstrap: str

    def database(self, name: str) -> "Servers":
        """The same servers with another database."""
        url = urlunsplit(urlsplit(self.database_url)._replace(path=f"/{name}"))
        return Servers(url, self.redis_url, self.kafka_bootstrap)

    def environment(self) -> Mapping[str, str]:
        """What the fleet's processes are told."""
        return {
            "DATABASE_URL": self.database_url,
            "REDIS_URL": self.redis_url,
            "KAFKA_BOOTSTRAP": self.kafka_bootstrap,
        }


def read(env_file: Path) -> Servers:
    """The servers of a file with shell variables. Raises `NoServersError` when one is missing."""
    words = shlex.split(env_file.read_text(), comments=True)
    found = {name: value for name, separator, value in (word.partition("=") for word in words) if separator}
    try:
        return Servers(found["DATABASE_URL"], found["REDIS_URL"], found["KAFKA_BOOTSTRAP"])
    except KeyError as missing:
        raise NoServersError(f"{env_file} does not set {missing}.") from missing


@asynccontextmanager
async def servers(env_file: Path | None, out: Path) -> AsyncIterator[Servers]:
    """The given servers, else empty ones of our own with their data under `out`, gone in the end.

    Raises `NoServersError`.
    """
    if env_file is not None:
        yield read(env_file)
        return
    data, told, log = out / "servers", out / "servers.env", out / "servers.log"
    await asyncio.to_thread(_clear, data, told)
    command = ("-m", "sandbox.local", "--data", str(data), "--ports", "auto", "--env-file", str(told))
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(sys.executable, *command, stdout=output, stderr=output)
        try:
            found = await _started(process, told, log)
            await _run_in(found)
            yield found
        finally:
            with suppress(ProcessLookupError):
                process.terminate()
            await process.wait()
            await asyncio.to_thread(shutil.rmtree, data, ignore_errors=True)


async def _run_in(found: Servers) -> None:
    """As if PostgreSQL had been running for long: it writes over old segments of its log.

    A new server fills each with zeros first, and nobody's commit goes through for these 40 to 60 ms.
    """
    connection = await asyncpg.connect(found.database_url)
    try:
        for _ in range(LOG_MEGABYTES // MESSAGE_MEGABYTES):
            await connection.execute(
                f"SELECT pg_logical_emit_message(false, 'bench', repeat('x', {MESSAGE_MEGABYTES << 20}))"
            )
        await connection.execute("CHECKPOINT")
    finally:
        await connection.close()


def _clear(data: Path, told: Path) -> None:
    data.parent.mkdir(parents=True, exist_ok=True)
    told.unlink(missing_ok=True)
    shutil.rmtree(data, ignore_errors=True)


async def _started(process: asyncio.subprocess.Process, told: Path, log: Path) -> Servers:
    with suppress(TimeoutError):
        async with asyncio.timeout(START_SECONDS):
            while process.returncode is None:
                if await asyncio.to_thread(told.exists):
                    return read(told)
                await asyncio.sleep(0.1)
    raise NoServersError(f"The servers did not start; {log} says why.")
