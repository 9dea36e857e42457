"""A command whose handler fails waits with its account, in order, until an operator moves them on."""

from collections.abc import Callable

import pytest
from uuid6 import uuid7

from consumers import fold
from handlers.account import Account
from handlers.decision import Context, Decision
from handlers.registry import decide
from state.postgres.connection import Connection
from tests.consumers.lanes import SUPPORT, LaneUnderTest, account_id, count, journaled, until
from tests.consumers.shelves import BAD, GOOD, RELEASE, applied, email, parked_since, shelf, waiting
from tests.consumers.test_loop import PROFILE as CREATE
from tests.consumers.test_loop import REGISTERED, register
from topics.accounts import AccountRegistered, SetFlag
from topics.message import Message
from topics.parking import DiscardParked
from topics.profiles import PatchProfile

pytestmark = [pytest.mark.asyncio, pytest.mark.stack]

BUG = "ZeroDivisionError in the handler"


class Bug:
    """A handler that fails at some messages until it is mended."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.bad: Callable[[Message], bool] = lambda message: message == BAD
        monkeypatch.setattr(fold, "decide", self._decide)

    def mend(self) -> None:
        """Deploy the fix."""
        self.bad = lambda message: False

    def _decide(self, account: Account, message: Message, context: Context) -> Decision:
        if self.bad(message):
            raise ZeroDivisionError
        return decide(account, message, context)


@pytest.fixture
def bug(monkeypatch: pytest.MonkeyPatch) -> Bug:
    """A release with a bug in it."""
    return Bug(monkeypatch)


async def test_a_failing_handler_parks_its_account_on_every_lane_and_nobody_else(
    commands: LaneUnderTest, facts: LaneUnderTest, bulk: LaneUnderTest, connection: Connection, bug: Bug
) -> None:
    account, other = account_id(), account_id()
    await register(facts, connection, account, other)
    async with commands.running(), facts.running(), bulk.running():
        created = await commands.publish(account, CREATE)
        bad = await commands.publish(account, BAD)
        later = await commands.publish(account, GOOD)
        await until(waiting(connection, 2))
        in_bulk = await bulk.publish(account, GOOD)
        await until(waiting(connection, 3))
        fact = await facts.publish(account, REGISTERED)
        await until(waiting(connection, 4))
        others = await commands.publish(other, CREATE)
        await until(applied(connection, created, others))
        later_others = await bulk.publish(other, GOOD)
        await until(applied(connection, later_others))
    assert await shelf(connection, account) == [
        (bad, "commands", BUG),
        (later, "commands", None),
        (in_bulk, "bulk", None),
        (fact, "facts", None),
    ]
    assert await parked_since(connection, account) is not None
    assert await parked_since(connection, other) is None
    assert await email(connection, other) == "good@example.com"
    assert await email(connection, account) == "ada@example.com"


async def test_a_release_applies_what_waits_in_its_order(
    commands: LaneUnderTest, facts: LaneUnderTest, bulk: LaneUnderTest, connection: Connection, bug: Bug
) -> None:
    account = account_id()
    await register(facts, connection, account)
    async with commands.running(), bulk.running():
        sent = [await commands.publish(account, message) for message in (CREATE, BAD, GOOD)]
        await until(waiting(connection, 2))
        sent.append(await bulk.publish(account, PatchProfile(preferred_locale="en-US")))
        await until(waiting(connection, 3))
        bug.mend()
        await commands.publish(account, RELEASE, actor=SUPPORT)
        await until(applied(connection, *sent))
        last = await commands.publish(account, PatchProfile(billing_email="last@example.com"))
        await until(applied(connection, last))
    assert await count(connection, "parked_commands") == 0
    assert await parked_since(connection, account) is None
    told = await connection.fetch(
        "SELECT body FROM outbox WHERE key = $1 AND topic = 'billing.events.v1' ORDER BY id", account
    )
    versions = [row["body"].decode().partition('"version":')[2].partition(",")[0] for row in told[1:]]
    assert versions == ["1", "2", "3", "4", "5"]
    assert await email(connection, account) == "last@example.com"
    lanes = await connection.fetchval("SELECT lane FROM journal WHERE command_id = $1", sent[-1])
    assert lanes == "commands"


async def test_a_release_that_fails_again_keeps_the_rest(
    commands: LaneUnderTest, facts: LaneUnderTest, connection: Connection, bug: Bug
) -> None:
    account = account_id()
    await register(facts, connection, account)
    async with commands.running():
        created = await commands.publish(account, CREATE)
        bad = await commands.publish(account, BAD)
        later = await commands.publish(account, GOOD)
        await until(waiting(connection, 2))
        await connection.execute("UPDATE parked_commands SET error = NULL")
        release = await commands.publish(account, RELEASE, actor=SUPPORT)
        await until(applied(connection, created, release))
    assert await shelf(connection, account) == [(bad, "commands", BUG), (later, "commands", None)]
    answer = await connection.fetchval("SELECT answer FROM journal WHERE command_id = $1", release)
    assert answer == '{"released":0,"remaining":2}'


async def test_a_discarded_command_is_a_dead_letter_and_an_outcome(
    commands: LaneUnderTest, facts: LaneUnderTest, connection: Connection, bug: Bug
) -> None:
    account = account_id()
    await register(facts, connection, account)
    async with commands.running():
        await commands.publish(account, CREATE)
        bad = await commands.publish(account, BAD)
        later = await commands.publish(account, GOOD)
        await until(waiting(connection, 2))
        give_up = DiscardParked(command_id=bad, reason="sent in error")
        await commands.publish(account, give_up, actor=SUPPORT)
        await until(waiting(connection, 1))
        assert await shelf(connection, account) == [(later, "commands", None)]
        assert await parked_since(connection, account) is not None
        await commands.publish(account, RELEASE, actor=SUPPORT)
        await until(applied(connection, bad, later))
    outcome = await connection.fetchrow("SELECT outcome, code FROM journal WHERE command_id = $1", bad)
    assert outcome is not None
    assert (outcome["outcome"], outcome["code"]) == ("discarded", 1314)
    (letter,) = await connection.fetch("SELECT headers FROM outbox WHERE topic = 'billing.dead-letters.v1'")
    assert str(bad) in letter["headers"]
    assert "sent in error" in letter["headers"]
    assert await email(connection, account) == "good@example.com"


async def test_an_unknown_account_is_parked_and_released_too(
    commands: LaneUnderTest, facts: LaneUnderTest, connection: Connection, bug: Bug
) -> None:
    account = account_id()
    bug.bad = lambda message: isinstance(message, AccountRegistered)
    async with commands.running(), facts.running():
        registered = await facts.publish(account, REGISTERED)
        await until(waiting(connection, 1))
        created = await commands.publish(account, CREATE)
        await until(waiting(connection, 2))
        bug.bad = lambda message: message == CREATE
        first = await commands.publish(account, RELEASE, actor=SUPPORT)
        await until(applied(connection, first, registered))
        # Known by now, and still parked for what remains: on every lane.
        assert await parked_since(connection, account) is not None
        flag = await commands.publish(account, SetFlag(flag="bad_debt"))
        await until(waiting(connection, 2))
        bug.mend()
        await commands.publish(account, RELEASE, actor=SUPPORT)
        await until(applied(connection, created, flag))
    assert await count(connection, "parked_commands") == 0
    assert await parked_since(connection, account) is None
    assert {outcome for _, outcome, _ in await journaled(connection, account)} == {"applied"}


async def test_a_parked_command_that_comes_again_is_parked_once(
    commands: LaneUnderTest, facts: LaneUnderTest, connection: Connection, bug: Bug
) -> None:
    account, bad = account_id(), uuid7()
    await register(facts, connection, account)
    async with commands.running():
        await commands.publish(account, CREATE)
        for _ in range(3):
            await commands.publish(account, BAD, command_id=bad)
        later = await commands.publish(account, GOOD)
        await until(waiting(connection, 2))
        await commands.publish(account, BAD, command_id=bad)
        bug.mend()
        await commands.publish(account, RELEASE, actor=SUPPORT)
        await commands.publish(account, BAD, command_id=bad)
        await until(applied(connection, bad, later))
        await commands.publish(account, BAD, command_id=bad)
        last = await commands.publish(account, PatchProfile(preferred_locale="en-US"))
        await until(applied(connection, last))
    assert await count(connection, "parked_commands") == 0
    assert [kind for kind, _, _ in await journaled(connection, account)].count(BAD.type) == 3
    assert await email(connection, account) == "good@example.com"


async def test_all_of_it_in_one_batch_comes_to_the_same(
    commands: LaneUnderTest, facts: LaneUnderTest, connection: Connection, bug: Bug
) -> None:
    account = account_id()
    await register(facts, connection, account)
    await commands.publish(account, CREATE)
    bad = await commands.publish(account, BAD)
    await commands.publish(account, RELEASE, actor=SUPPORT)
    later = await commands.publish(account, GOOD)
    async with commands.running():
        await until(waiting(connection, 2))
        assert await shelf(connection, account) == [(bad, "commands", BUG), (later, "commands", None)]
        assert await parked_since(connection, account) is not None
        bug.mend()
        await commands.publish(account, RELEASE, actor=SUPPORT)
        await until(applied(connection, bad, later))
    assert await email(connection, account) == "good@example.com"
