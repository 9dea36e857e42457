"""The outbox: messages owed to Kafka, written with the state they tell of and relayed in order."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from zlib import crc32

import orjson

from state.postgres.connection import Connection
from state.postgres.queries import queries
from topics.codec import encode_body, header_texts
from topics.message import Envelope, Message

SQL: Final = queries("outbox")
SHARDS: Final = 8
"""A key always lies in one shard and a shard has one owner. Changed only while the outbox is empty."""
_COUNTED: Final = 1_000
"""Of each shard; of more it is said about how many there are."""
_LOCKS: Final = 0x6F757462  # "outb"

OutboxRow = tuple[int, str, str | None, str, bytes | None]


@dataclass(frozen=True, slots=True)
class Pending:
    """A message waiting to be published."""

    shard: int
    id: int
    topic: str
    key: bytes | None
    headers: list[tuple[str, bytes]]
    body: bytes | None


def row(topic: str, key: str | None, headers: Sequence[tuple[str, str]], body: bytes | None) -> OutboxRow:
    """A message as it is written: sharded by its key."""
    return (crc32((key or topic).encode()) % SHARDS, topic, key, orjson.dumps(headers).decode(), body)


def message_row(topic: str, envelope: Envelope, message: Message) -> OutboxRow:
    """A message of ours as it is written, keyed by its account."""
    return row(topic, envelope.account_id, header_texts(envelope), encode_body(message))


async def add(connection: Connection, rows: Sequence[OutboxRow]) -> None:
    """Owe these messages to Kafka, in this order. Under the lock of the accounts they tell of."""
    await connection.execute(SQL.add, rows)


async def own(connection: Connection, owned: Sequence[int]) -> list[int]:
    """Try to become the owner of each shard not in `owned`; gives those won now."""
    return [found["shard"] for found in await connection.fetch(SQL.own, _LOCKS, SHARDS, owned)]


async def disown(connection: Connection, shard: int) -> None:
    """Leave a shard to others."""
    await connection.execute(SQL.disown, _LOCKS, shard)


async def following(connection: Connection, shards: Sequence[int], limit: int) -> list[Pending]:
    """The oldest messages of the owned shards, up to `limit` of each, in order within a shard."""
    return [
        Pending(
            shard=found["shard"],
            id=found["id"],
            topic=found["topic"],
            key=found["key"].encode() if found["key"] else None,
            headers=[(name, value.encode()) for name, value in orjson.loads(found["headers"])],
            body=found["body"],
        )
        for found in await connection.fetch(SQL.next, shards, limit)
    ]


async def remove(connection: Connection, published: Sequence[Pending]) -> None:
    """Forget messages that Kafka has acknowledged: in one round trip and one transaction, all or none."""
    ids: defaultdict[int, list[int]] = defaultdict(list)
    for found in published:
        ids[found.shard].append(found.id)
    await connection.executemany(SQL.remove, list(ids.items()))


async def depth(connection: Connection) -> tuple[int, float]:
    """How many messages wait (about, when it is some thousand or more), and for how many seconds the oldest has."""
    found = await connection.fetchrow(SQL.depth, SHARDS, _COUNTED)
    return (found["depth"], found["oldest"]) if found else (0, 0.0)
