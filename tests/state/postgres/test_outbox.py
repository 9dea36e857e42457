"""Messages leave the outbox by their whole key."""

import pytest

from state.postgres import outbox
from state.postgres.connection import Connection

pytestmark = [pytest.mark.asyncio, pytest.mark.stack]


async def test_what_was_published_of_one_shard_takes_nothing_of_another_with_it(
    connection: Connection,
) -> None:
    """Ids repeat when a database is moved without its sequences."""
    await connection.execute(
        "INSERT INTO outbox (shard, id, topic, key, headers, body) OVERRIDING SYSTEM VALUE"
        " SELECT shard, id, 'topic', 'key', '[]', '' FROM generate_series(0, 1) AS shard, generate_series(1, 3) AS id"
    )
    published = [
        one
        for one in await outbox.following(connection, [0, 1], 10)
        if (one.shard, one.id) in {(0, 1), (0, 2), (1, 3)}
    ]
    await outbox.remove(connection, published)
    left = [(one.shard, one.id) for one in await outbox.following(connection, [0, 1], 10)]
    assert left == [(0, 3), (1, 1), (1, 2)]


async def owe(connection: Connection, shard: int, count: int) -> None:
    """Messages of one shard, the first of them the oldest."""
    await connection.execute(
        "INSERT INTO outbox (shard, topic, key, headers, body, created_at)"
        " SELECT $1::smallint, 'topic', 'key', '[]', '', now() - interval '1 hour' + position * interval '1 second'"
        " FROM generate_series(0, $2::int - 1) AS position",
        shard,
        count,
    )


async def test_few_messages_are_counted_and_many_told_by_the_statistics(connection: Connection) -> None:
    assert await outbox.depth(connection) == (0, 0.0)
    await owe(connection, 7, 900)
    await owe(connection, 0, 900)
    depth, oldest = await outbox.depth(connection)
    assert depth == 1800
    assert 3600 <= oldest < 3700
    await owe(connection, 0, 700)
    await connection.execute("SELECT pg_stat_force_next_flush()")
    await connection.execute("SELECT pg_stat_clear_snapshot()")
    depth, oldest = await outbox.depth(connection)
    assert depth == 2500
    assert 3600 <= oldest < 3700
