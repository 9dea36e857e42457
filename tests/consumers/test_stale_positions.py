"""Kafka that can't be asked while a partition is opened anew: nothing that was not read is passed over."""

import asyncio
from collections.abc import Collection
from typing import Any

import pytest
from aiokafka.errors import KafkaTimeoutError

from consumers.loop import Loop
from state.postgres.connection import Connection
from tests.consumers.lanes import LaneUnderTest, account_id, count, until
from tests.consumers.test_loop import REGISTERED, decided
from tests.consumers.test_lost_records import cursor_is, facts, send, tell, transactional

__all__ = ["facts"]
pytestmark = [pytest.mark.asyncio, pytest.mark.stack]
READ_AHEAD, AFTERWARDS = 60, 5


class HangingBroker:
    """Does not say what it holds when it is asked next, for a while."""

    def __init__(self, loop: Loop) -> None:
        self._bounds, self.hangs, self.asked = loop._log.bounds, False, asyncio.Event()
        loop._log.bounds = self.bounds  # type: ignore[method-assign]

    async def bounds(self, partitions: Collection[int]) -> Any:
        if not self.hangs:
            return await self._bounds(partitions)
        self.hangs = False
        self.asked.set()
        await asyncio.sleep(10)
        raise KafkaTimeoutError


async def test_a_partition_that_is_opened_anew_meanwhile_is_read_from_where_it_stands(
    facts: LaneUnderTest, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = facts.loop(workers=1, batch=1, backlog=4000)
    broker, apply = HangingBroker(one), one._apply

    async def slow(*given: Any) -> None:
        await asyncio.sleep(0.1)
        await apply(*given)

    monkeypatch.setattr(one, "_apply", slow)
    task = asyncio.create_task(one.run())
    await until(cursor_is(connection, facts, 0))
    async with transactional(facts) as producer:
        await asyncio.gather(*(facts.publish(account_id(), REGISTERED) for _ in range(READ_AHEAD)))
        await until(decided(connection, 1))
        one._log.pause([0])
        await producer.begin_transaction()
        await send(producer, facts, account_id())
        await producer.abort_transaction()
        await tell(facts, AFTERWARDS)
        broker.hangs = True
        one._log.resume([0])
        await asyncio.wait_for(broker.asked.wait(), 20)
        async with facts.running():
            await asyncio.sleep(2)
        await until(cursor_is(connection, facts, READ_AHEAD + 2 + AFTERWARDS), seconds=60)
    assert await count(connection, "journal") == READ_AHEAD + AFTERWARDS
    one.stop()
    await task
