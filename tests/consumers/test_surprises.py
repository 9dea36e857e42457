"""An error that nobody expected: it takes more than one to suspect a message."""

from collections.abc import Sequence
from typing import Any

import pytest

from state.postgres import accounts as account_rows
from state.postgres.connection import Connection
from tests.consumers.lanes import LaneUnderTest, account_id, count, until
from tests.consumers.shelves import applied, parked_since
from tests.consumers.test_loop import PROFILE, register

pytestmark = [pytest.mark.asyncio, pytest.mark.stack]


async def test_a_message_alone_is_tried_again_before_its_account_is_parked(
    commands: LaneUnderTest, facts: LaneUnderTest, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = account_id()
    await register(facts, connection, account)
    surprises, lock = [RuntimeError("the handler is closed")], account_rows.lock

    async def surprising(lane: Connection, ids: Sequence[str]) -> Any:
        if surprises:
            raise surprises.pop()
        return await lock(lane, ids)

    monkeypatch.setattr(account_rows, "lock", surprising)
    async with commands.running():
        await until(applied(connection, await commands.publish(account, PROFILE)))
    assert surprises == []
    assert await parked_since(connection, account) is None
    assert await count(connection, "parked_commands") == 0
