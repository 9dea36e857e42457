"""The outbox: messages owed to Kafka, written with the state they tell of and relayed in order."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from zlib import crc32

import orjson

from state.postgres.connection import Connection
from state.postgres.queries import queries

SQL: Final = queries("outbox")
SHARDS: Final = 8
"""A key always lies in one shard and a shard has one owner. Changed only while the outbox is empty."""
_LOCKS: Final = 0x6F757462  # "outb"

Row = tuple[int, str, str | None, str, bytes | None]


@dataclass(frozen=True, slots=True)
class Pending:
    """A message waiting to be published."""

    id: int
    topic: str
    key: bytes | None
    headers: list[tuple[str, bytes]]
    body: bytes | None
    created_at: datetime


def row(topic: str, key: str | None, headers: Sequence[tuple[str, bytes]], body: bytes | None) -> Row:
    """A message as it is written: sharded by its key."""
    names = orjson.dumps([(name, value.decode()) for name, value in headers]).decode()
    return (crc32((key or topic).encode()) % SHARDS, topic, key, names, body)


async def add(connection: Connection, rows: Sequence[Row]) -> None:
    """Owe these messages to Kafka, in this order. Under the lock of the accounts they tell of."""
    await connection.execute(SQL.add, rows)


async def own(connection: Connection, owned: Sequence[int]) -> list[int]:
    """Try to become the owner of each shard not in `owned`; gives those won now."""
    return [found["shard"] for found in await connection.fetch(SQL.own, _LOCKS, SHARDS, owned)]


async def disown(connection: Connection, shard: int) -> None:
    """Leave a shard to others."""
    await connection.execute(SQL.disown, _LOCKS, shard)


async def following(connection: Connection, shard: int, limit: int) -> list[Pending]:
    """The oldest messages of an owned shard, in order."""
    return [
        Pending(
            id=found["id"],
            topic=found["topic"],
            key=found["key"].encode() if found["key"] else None,
            headers=[(name, value.encode()) for name, value in orjson.loads(found["headers"])],
            body=found["body"],
            created_at=found["created_at"],
        )
        for found in await connection.fetch(SQL.next, shard, limit)
    ]


async def remove(connection: Connection, shard: int, ids: Sequence[int]) -> None:
    """Forget messages that Kafka has acknowledged."""
    await connection.execute(SQL.remove, shard, ids)


async def depth(connection: Connection) -> tuple[int, float]:
    """How many messages wait, and for how many seconds the oldest has."""
    found = await connection.fetchrow(SQL.depth)
    return (found["depth"], found["oldest"]) if found else (0, 0.0)
