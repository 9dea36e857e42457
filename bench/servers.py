"""The servers a run measures on: its own from `sandbox.local`, or those an environment file names."""

import asyncio
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit, urlunsplit

START_SECONDS: Final = 180.0


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
    """The servers of a file with shell variables. Raises `KeyError` for one that is missing."""
    lines = (line.removeprefix("export ").partition("=") for line in env_file.read_text().splitlines())
    found = {name: value.strip("'\"") for name, separator, value in lines if separator}
    return Servers(found["DATABASE_URL"], found["REDIS_URL"], found["KAFKA_BOOTSTRAP"])


@asynccontextmanager
async def servers(env_file: Path | None, data: Path) -> AsyncIterator[Servers]:
    """The given servers, else servers of our own with their data under `data`, stopped in the end.

    Raises `NoServersError`.
    """
    if env_file is not None:
        yield read(env_file)
        return
    data.mkdir(parents=True, exist_ok=True)
    told = data / "servers.env"
    told.unlink(missing_ok=True)
    command = (
        "-m",
        "sandbox.local",
        "--data",
        str(data / "servers"),
        "--ports",
        "auto",
        "--env-file",
        str(told),
    )
    with (data / "servers.log").open("wb") as output:
        process = await asyncio.create_subprocess_exec(sys.executable, *command, stdout=output, stderr=output)
        try:
            yield await _started(process, told)
        finally:
            with suppress(ProcessLookupError):
                process.terminate()
            await process.wait()


async def _started(process: asyncio.subprocess.Process, told: Path) -> Servers:
    try:
        async with asyncio.timeout(START_SECONDS):
            while not told.exists():
                if process.returncode is not None:
                    break
                await asyncio.sleep(0.1)
            else:
                return read(told)
    except TimeoutError:
        pass
    raise NoServersError(f"The servers did not start; {told.with_name('servers.log')} says why.")
