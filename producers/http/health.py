"""Is it alive, may it be sent requests, and what does it measure: for those who run it."""

import asyncio
from collections.abc import Awaitable
from typing import Final

import orjson
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.requests import Request
from starlette.responses import Response

from producers.http.envelope import JSON
from producers.http.errors import ApiError
from producers.http.surface import Surface
from producers.publisher import NotPublishedError
from state.redis.connection import REDIS_DOWN

_PATIENCE: Final = 1.5


async def livez(_request: Request) -> Response:
    """The event loop turns. Whether anything else works is not asked: a restart would not mend it."""
    return Response(b'{"status":"alive"}', media_type=JSON)


async def readyz(request: Request) -> Response:
    """200 while PostgreSQL and Kafka answer. Without Redis it is ready but degraded: slower, no limits."""
    surface: Surface = request.app.state.surface
    postgres, kafka, redis = await asyncio.gather(
        _answers(_ask_postgres(surface)), _answers(surface.publisher.check()), _answers(_ask_redis(surface))
    )
    ready = postgres and kafka
    body = {
        "status": "not ready" if not ready else "ready" if redis else "degraded",
        "checks": {
            name: "ok" if fine else "unreachable"
            for name, fine in (("postgres", postgres), ("kafka", kafka), ("redis", redis))
        },
    }
    return Response(orjson.dumps(body), 200 if ready else 503, media_type=JSON)


async def metrics(_request: Request) -> Response:
    """The metrics of this process (docs/metrics.md)."""
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


async def _answers(question: Awaitable[object]) -> bool:
    try:
        async with asyncio.timeout(_PATIENCE):
            await question
    except (ApiError, NotPublishedError, TimeoutError, *REDIS_DOWN):
        return False
    return True


async def _ask_postgres(surface: Surface) -> None:
    async with surface.reading() as connection:
        await connection.fetchval("SELECT 1")


async def _ask_redis(surface: Surface) -> None:
    await surface.redis.ping()
