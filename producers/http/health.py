"""Is it alive, may it be sent requests, and what does it measure: for those who run it."""

import asyncio
from collections.abc import Awaitable
from typing import Final
from uuid import UUID

import orjson
import structlog
from asyncpg import PostgresError
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.requests import Request
from starlette.responses import Response

from producers.http.envelope import JSON
from producers.http.errors import ApiError
from producers.http.surface import Surface
from producers.publisher import NotPublishedError
from state.postgres import journal
from state.redis.connection import REDIS_DOWN

log = structlog.get_logger()

_PATIENCE: Final = 1.5
_OK: Final = "ok"
_NOBODYS: Final = UUID(int=0)


async def livez(_request: Request) -> Response:
    """The event loop turns. Whether anything else works is not asked: a restart would not mend it."""
    return Response(b'{"status":"alive"}', media_type=JSON)


async def readyz(request: Request) -> Response:
    """200 while PostgreSQL and Kafka do their part. Without Redis it is ready but degraded: slower, no limits."""
    surface: Surface = request.app.state.surface
    postgres, kafka, redis = await asyncio.gather(
        _found(_ask_postgres(surface)), _found(surface.publisher.check()), _found(_ask_redis(surface))
    )
    ready = postgres == kafka == _OK
    body = {
        "status": "not ready" if not ready else "ready" if redis == _OK else "degraded",
        "checks": {"postgres": postgres, "kafka": kafka, "redis": redis},
    }
    return Response(orjson.dumps(body), 200 if ready else 503, media_type=JSON)


async def metrics(_request: Request) -> Response:
    """The metrics of this process (docs/metrics.md)."""
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


async def _found(question: Awaitable[object]) -> str:
    try:
        async with asyncio.timeout(_PATIENCE):
            await question
    except (ApiError, NotPublishedError, TimeoutError, *REDIS_DOWN):
        return "unreachable"
    except PostgresError as refused:
        log.warning("postgres_unusable", error=type(refused).__name__)
        return "unusable"
    return _OK


async def _ask_postgres(surface: Surface) -> None:
    """As callers who wait for an outcome do: a database without tables, or without rights for us, answers too."""
    async with surface.reading() as connection:
        await journal.known(connection, [_NOBODYS])


async def _ask_redis(surface: Surface) -> None:
    await surface.redis.ping()
