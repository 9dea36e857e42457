"""Secrets on their way between a caller and a performer: never in Kafka, the journal or a log (DESIGN.md 4, law 11).

They wait under the command's id for a short while and are read, not taken: an effect may be tried again, and a
caller who lost the answer may ask for the operation.
"""

from collections.abc import Mapping
from typing import Final
from uuid import UUID

from redis.asyncio import Redis

KEPT_SECONDS: Final = 3600


async def give(
    redis: Redis, command_id: UUID | str, secrets: Mapping[str, str], *, seconds: int = KEPT_SECONDS
) -> None:
    """Hand over secrets by name, beside those given before. Raises one of `REDIS_DOWN`."""
    key = f"handover:{command_id}"
    async with redis.pipeline(transaction=True) as pipe:
        pipe.hset(key, mapping={name: value.encode() for name, value in secrets.items()})
        pipe.expire(key, seconds)
        await pipe.execute()


async def look(redis: Redis, command_id: UUID | str) -> dict[str, str]:
    """What was handed over and is still there. Raises one of `REDIS_DOWN`."""
    found: dict[bytes, bytes] = await redis.hgetall(f"handover:{command_id}")  # type: ignore[assignment]
    return {name.decode(): value.decode() for name, value in found.items()}
