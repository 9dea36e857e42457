"""A worker that starts while Kafka is away waits for it."""

import asyncio

import pytest
from aiokafka.errors import KafkaConnectionError

from consumers.log import Owner
from state.postgres.connection import Connection
from tests.consumers.lanes import LaneUnderTest, account_id, until
from tests.consumers.test_loop import PROFILE

pytestmark = [pytest.mark.asyncio, pytest.mark.stack]


def away(monkeypatch: pytest.MonkeyPatch, loop: object, times: int) -> list[int]:
    """Let joining the group fail so many times; gives how often it was tried."""
    kafka = loop._log  # type: ignore[attr-defined]
    tried, start = [0], kafka.start

    async def joining(owner: Owner) -> None:
        tried[0] += 1
        if tried[0] <= times:
            raise KafkaConnectionError("no broker answers")
        await start(owner)

    monkeypatch.setattr(kafka, "start", joining)
    return tried


async def test_a_lane_joins_when_the_brokers_are_back(
    commands: LaneUnderTest, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop = commands.loop()
    tried = away(monkeypatch, loop, 2)
    task = asyncio.create_task(loop.run())
    command_id = await commands.publish(account_id(), PROFILE)

    async def refused() -> bool:
        found = await connection.fetchval("SELECT count(*) FROM journal WHERE command_id = $1", command_id)
        return bool(found)

    await until(refused)
    loop.stop()
    await task
    assert tried == [3]


async def test_a_lane_that_waits_for_the_brokers_can_be_stopped(
    commands: LaneUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop = commands.loop()
    tried = away(monkeypatch, loop, 1000)
    task = asyncio.create_task(loop.run())

    async def was_tried() -> bool:
        return tried[0] > 0

    await until(was_tried)
    loop.stop()
    await task


async def test_a_lane_that_waits_for_the_brokers_is_left_running(
    commands: LaneUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop = commands.loop()
    tried, began = away(monkeypatch, loop, 1000), loop.alive_at
    task = asyncio.create_task(loop.run())

    async def was_tried_again() -> bool:
        return tried[0] > 1

    await until(was_tried_again)
    assert loop.alive_at > began
    loop.stop()
    await task
