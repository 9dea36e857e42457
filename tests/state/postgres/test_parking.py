"""Parked accounts as the gauges tell of them, from the first command of each."""

import pytest

from state.postgres import parking
from state.postgres.connection import Connection

pytestmark = [pytest.mark.asyncio, pytest.mark.stack]


async def park(connection: Connection, account_id: str, commands: int, minutes: int) -> None:
    """A shelf whose first command has lain there for so long, and the others for less."""
    await connection.execute(
        "INSERT INTO parked_commands (account_id, command_id, lane, topic, partition, record_offset, timestamp_ms,"
        " headers, body, parked_at)"
        " SELECT $1, uuidv7(), 'commands', 'topic', 0, 0, 0, '[]', '',"
        " now() - ($2::int - position) * interval '1 minute'"
        " FROM generate_series(0, $3::int - 1) AS position",
        account_id,
        minutes,
        commands,
    )


async def test_each_account_counts_once_however_long_its_shelf_is(connection: Connection) -> None:
    assert await parking.backlog(connection) == (0, 0.0)
    await park(connection, "a" * 32, commands=40, minutes=50)
    await park(connection, "b" * 32, commands=3, minutes=90)
    await park(connection, "c" * 32, commands=1, minutes=1)
    accounts, oldest = await parking.backlog(connection)
    assert accounts == 3
    assert 90 * 60 <= oldest < 91 * 60


async def test_more_than_are_worth_counting_are_not_counted(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parking, "COUNTED", 2)
    for account in "abc":
        await park(connection, account * 32, commands=1, minutes=5)
    assert (await parking.backlog(connection))[0] == 2
