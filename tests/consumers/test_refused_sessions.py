"""A database that lets nobody in is a store that is away: no message is suspected for it."""

import pytest
from asyncpg.exceptions import InsufficientPrivilegeError
from prometheus_client import REGISTRY

from consumers import applier
from state.postgres.connection import Connection
from state.postgres.history import history
from state.postgres.journal import Days
from tests.consumers.lanes import LaneUnderTest, account_id, count, until
from tests.consumers.shelves import applied
from tests.consumers.test_loop import PROFILE, decided, register
from tests.consumers.test_store_down import profile_of
from tests.logins import let_in, shut
from topics.profiles import PatchProfile

pytestmark = [pytest.mark.asyncio, pytest.mark.stack]


def waits() -> float:
    """How often the lane of commands waited for a store."""
    labels = {"lane": "commands", "cause": "store_down"}
    return REGISTRY.get_sample_value("billing_batch_retries_total", labels) or 0.0


async def test_a_login_that_is_refused_for_a_while_is_waited_for(
    commands: LaneUnderTest, facts: LaneUnderTest, connection: Connection
) -> None:
    account = account_id()
    await register(facts, connection, account)
    async with commands.running(workers=1):
        await commands.publish(account, PROFILE)
        await until(decided(connection, 2))
        assert await shut(connection, "commands-") == 1
        before = waits()
        await commands.publish(account, PatchProfile(billing_email="b@example.com"))

        async def waited() -> bool:
            return waits() >= before + 4

        await until(waited)
        await let_in(connection)
        await until(decided(connection, 3))
    assert await profile_of(connection, account) == (2, "b@example.com")
    assert await count(connection, "parked_commands") == 0


@pytest.mark.parametrize("what", ["the history", "the day"])
async def test_nothing_is_suspected_for_what_fails_before_the_transaction(
    commands: LaneUnderTest,
    facts: LaneUnderTest,
    connection: Connection,
    monkeypatch: pytest.MonkeyPatch,
    what: str,
) -> None:
    account = account_id()
    await register(facts, connection, account)
    left, ensure = [InsufficientPrivilegeError("not for you")] * 4, Days.ensure

    async def refused_history(asked: Connection) -> str:
        if left:
            raise left.pop()
        return await history(asked)

    async def refused_day(days: Days, *given: object) -> None:
        if left:
            raise left.pop()
        await ensure(days, *given)  # type: ignore[arg-type]

    if what == "the history":
        monkeypatch.setattr(applier, "history", refused_history)
    else:
        monkeypatch.setattr(Days, "ensure", refused_day)
    async with commands.running(workers=1):
        await until(applied(connection, await commands.publish(account, PROFILE)))
    assert left == []
    assert await count(connection, "parked_commands") == 0
