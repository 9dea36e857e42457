"""What the figures were measured on: a number means nothing without it."""

import os
import platform
import sysconfig
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import asyncpg
from redis.asyncio import Redis

from bench.servers import Servers

PACKAGES: Final = ("aiokafka", "asyncpg", "faststream", "pydantic", "redis", "uvloop")


async def facts(servers: Servers) -> dict[str, Any]:
    """Machine and versions; `load_before` is the load average of the minute before the run, 0 when alone."""
    connection = await asyncpg.connect(servers.database_url)
    redis = Redis.from_url(servers.redis_url)
    try:
        postgres = await connection.fetchval("SHOW server_version")
        durable = {
            name: await connection.fetchval(f"SHOW {name}") for name in ("fsync", "synchronous_commit")
        }
        redis_version = (await redis.info("server"))["redis_version"]
    finally:
        await connection.close()
        await redis.aclose()
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "cores": os.cpu_count(),
        "processor": _processor(),
        "system": platform.platform(),
        "load_before": round(os.getloadavg()[0], 2),
        "python": platform.python_version(),
        "python_optimised": "--enable-optimizations" in (sysconfig.get_config_var("CONFIG_ARGS") or ""),
        "postgres": postgres,
        "redis": redis_version,
        **durable,
        "packages": {name: version(name) for name in PACKAGES},
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor())
