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
