"""What aiokafka keeps to itself: a reader that reads nothing any more ends the process, which is then started again."""

import asyncio
from collections.abc import Collection
from typing import Any

import pytest
from aiokafka.errors import CorruptRecordException

from consumers import header_names, opening
from consumers.log import KafkaLog
from consumers.reached import ReaderBrokenError
from state.postgres.connection import Connection
from tests.consumers.lanes import LaneUnderTest, account_id, until
from tests.consumers.test_loop import REGISTERED, decided
from topics.message import Record

pytestmark = [pytest.mark.asyncio, pytest.mark.stack]


async def test_partitions_that_could_not_be_opened_are_not_left_unread(
    facts: LaneUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def defect(*_given: Any, **_more: Any) -> dict[int, int]:
        raise LookupError

    monkeypatch.setattr(opening, "cursors", defect)
    with pytest.raises(ExceptionGroup) as raised:
        await asyncio.wait_for(facts.loop().run(), 20)
    assert raised.group_contains(ReaderBrokenError, match="handed over")


async def test_an_answer_that_the_client_can_not_take_apart_ends_the_process(
    facts: LaneUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreadable(*_given: Any) -> None:
        raise CorruptRecordException

    loop = facts.loop()
    monkeypatch.setattr(header_names._Fetched, "__init__", unreadable)
    with pytest.raises(ExceptionGroup) as raised:
        await asyncio.wait_for(loop.run(), 20)
    assert raised.group_contains(ReaderBrokenError, match="does not fetch any more")


async def test_a_worker_that_waits_for_its_cursors_can_be_stopped(facts: LaneUnderTest) -> None:
    loop = facts.loop()
    loop._dsn = "postgresql://nobody@127.0.0.1:1/nothing"
    task = asyncio.create_task(loop.run())
    await asyncio.sleep(2)
    loop.stop()
    await asyncio.wait_for(task, 20)


async def test_nothing_is_read_to_be_thrown_away_while_the_cursors_are_not_known(
    facts: LaneUnderTest, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with facts.running():
        await facts.publish(account_id(), REGISTERED)
        await until(decided(connection, 1))
    for _ in range(20):
        await facts.publish(account_id(), REGISTERED)
    found, known, read = opening.cursors, asyncio.Event(), list[Record]()
    poll = KafkaLog.poll

    async def slow(*given: Any, **more: Any) -> dict[int, int]:
        await known.wait()
        return await found(*given, **more)

    async def counted(log: KafkaLog, timeout: float, limit: int) -> Collection[Record]:
        records = await poll(log, timeout, limit)
        read.extend(() if known.is_set() else records)
        return records

    monkeypatch.setattr(opening, "cursors", slow)
    monkeypatch.setattr(KafkaLog, "poll", counted)
    async with facts.running():
        await asyncio.sleep(2)
        assert not read
        known.set()
        await until(decided(connection, 21))
