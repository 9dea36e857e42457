"""An erasure leaves that things were decided, not what was said."""

import pytest

from state.postgres.connection import Connection
from tests.consumers.lanes import SUPPORT, LaneUnderTest, account_id, until
from tests.consumers.test_loop import PROFILE, decided, register
from topics.accounts import EraseAccount
from topics.profiles import CreateProfile, PatchProfile

pytestmark = [pytest.mark.asyncio, pytest.mark.stack]


async def test_erasure_scrubs_what_came_before_it_and_nothing_that_comes_after(
    commands: LaneUnderTest, facts: LaneUnderTest, connection: Connection
) -> None:
    account, other = account_id(), account_id()
    await register(facts, connection, account, other)
    async with commands.running():
        await commands.publish(account, PROFILE)
        await commands.publish(other, PROFILE)
        await until(decided(connection, 4))
    # One batch: something to scrub before the erasure, the erasure, and a new beginning behind it.
    await commands.publish(account, PatchProfile(billing_email="secret@example.com"))
    erasure = await commands.publish(account, EraseAccount(reason="request of the customer"), actor=SUPPORT)
    again = await commands.publish(account, CreateProfile(**PROFILE.model_dump()))
    async with commands.running():
        await until(decided(connection, 7))
    kept = await connection.fetch(
        "SELECT command_id FROM journal WHERE account_id = $1 AND (body IS NOT NULL OR answer IS NOT NULL)",
        account,
    )
    assert {row["command_id"] for row in kept} == {erasure, again}
    assert (
        await connection.fetchval(
            "SELECT count(*) FROM journal WHERE account_id = $1 AND body IS NOT NULL", other
        )
        == 2
    )
    outcomes = await connection.fetch("SELECT outcome FROM journal WHERE account_id = $1", account)
    assert [row["outcome"] for row in outcomes] == ["applied"] * 5
