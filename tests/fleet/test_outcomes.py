"""What an operator is told of the commands that were asked for."""

from collections.abc import Awaitable, Callable
from typing import Final
from uuid import UUID

import pytest
from click.testing import Result
from uuid6 import uuid7

from consumers import fold
from fleet.cli import outcomes
from handlers.account import Account
from handlers.decision import Context, Decision
from handlers.registry import decide
from state.postgres import journal
from state.postgres.connection import Connection
from tests.consumers.lanes import SUPPORT, LaneUnderTest, account_id, until
from tests.consumers.shelves import BAD, GOOD, waiting
from tests.consumers.test_loop import PROFILE as CREATE
from topics.ids import conclusion_id
from topics.message import Message

pytestmark = [pytest.mark.asyncio, pytest.mark.stack]

_JOURNALED: Final = """
INSERT INTO journal (command_id, account_id, type, lane, actor, actor_role, surface, outcome, answer, decided_at)
VALUES ($1, $2, $3, 'commands', 'ada', 'support', 'cli', $4, '{}', now())
"""
Typed = Callable[..., Awaitable[Result]]


async def known(connection: Connection) -> str:
    """An account that is registered."""
    account = account_id()
    await connection.execute(
        "INSERT INTO accounts (id, type, flags, version, created_on, edited_on) "
        "VALUES ($1, 'pay_go', 0, 1, now(), now())",
        account,
    )
    return account


async def journaled(connection: Connection, command_id: UUID, account: str, outcome: str) -> None:
    """A row of the journal."""
    entry = (command_id, account, "billing.test.v1", outcome)
    await connection.execute(_JOURNALED, *entry)


def id_in(told: Result) -> str:
    """The id under which it was asked for."""
    return told.output.partition("Asked for as ")[2].partition(".")[0]


@pytest.fixture
def mended(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """A handler fails at `BAD` until something stands in this list."""
    found: list[bool] = []

    def broken(account: Account, message: Message, context: Context) -> Decision:
        if message == BAD and not found:
            raise ZeroDivisionError
        return decide(account, message, context)

    monkeypatch.setattr(fold, "decide", broken)
    return found


async def test_what_was_applied_is_told_and_told_again_later(
    commands: LaneUnderTest, connection: Connection, typed: Typed
) -> None:
    account = await known(connection)
    async with commands.running():
        locked = await typed("account", "lock", account, "--reason", "fraud review")
    assert locked.exit_code == 0
    assert f"billing.accounts.lock.v1 for account {account}, by operator:" in locked.output
    assert "Applied" in locked.output
    later = await typed("operation", id_in(locked), "--result")
    assert later.exit_code == 0
    assert '"locked": true' in later.output


async def test_what_goes_on_in_an_effect_is_told_as_such_until_it_is_concluded(
    connection: Connection, typed: Typed
) -> None:
    """A command's row says `accepted`, and its conclusion's row what came of it."""
    command_id, account = uuid7(), await known(connection)
    await journal.Days().ensure(connection, [command_id])
    await journaled(connection, command_id, account, "accepted")
    goes_on = await typed("operation", str(command_id))
    assert goes_on.exit_code == outcomes.UNKNOWN
    assert "its effect is not done yet" in goes_on.output
    await journal.Days().ensure(connection, [conclusion_id(command_id)])
    await journaled(connection, conclusion_id(command_id), account, "applied")
    concluded = await typed("operation", str(command_id))
    assert concluded.exit_code == 0
    assert "Applied" in concluded.output


async def test_a_refusal_is_told_with_its_reason(commands: LaneUnderTest, typed: Typed) -> None:
    async with commands.running():
        refused = await typed("account", "lock", account_id(), "--reason", "fraud review")
        erased = await typed("account", "erase", account_id(), "--reason", "asked for", "--yes")
    for told in (refused, erased, await typed("operation", id_in(refused))):
        assert told.exit_code == 1
        assert "(1404): There is no such account." in told.output


async def test_a_refusal_names_each_problem(
    commands: LaneUnderTest, connection: Connection, typed: Typed
) -> None:
    account = await known(connection)
    async with commands.running():
        wrong = CREATE.model_copy(update={"zipcode": "?"})
        asked = await commands.publish(account, wrong, actor=SUPPORT)

        async def decided() -> object:
            return await connection.fetchval("SELECT 1 FROM journal WHERE command_id = $1", asked)

        await until(decided)
    told = await typed("operation", str(asked))
    assert told.exit_code == 1
    assert "The billing profile is not valid." in told.output
    assert "/zipcode: " in told.output


async def test_no_outcome_within_the_time_says_how_to_ask_again(
    commands: LaneUnderTest, typed: Typed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outcomes, "WAIT_SECONDS", 0.2)
    told = await typed("account", "unlock", account_id(), "--reason", "all is well")
    assert told.exit_code == 3
    assert f"Ask again with `fleet operation {id_in(told)}`" in told.output
    assert (await typed("operation", str(uuid7()))).exit_code == 3
    assert (await typed("operation", "6f8b1b8e-9df0-4d3c-9f0e-2f8c2f1f6c11")).exit_code == 2


async def test_a_store_that_is_away_says_that_the_command_is_on_its_way(
    commands: LaneUnderTest, typed: Typed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    told = await typed("account", "unlock", account_id(), "--reason", "all is well")
    assert told.exit_code == 1
    assert f"is on its way; what comes of it: `fleet operation {id_in(told)}`" in told.output


async def test_a_release_tells_how_many_went_and_how_many_remain(
    commands: LaneUnderTest, connection: Connection, typed: Typed, mended: list[bool]
) -> None:
    account = await known(connection)
    async with commands.running():
        await commands.publish(account, CREATE)
        bad = await commands.publish(account, BAD)
        later = await commands.publish(account, GOOD)
        await until(waiting(connection, 2))
        again = await typed("parked", "release", account, "--reason", "hope")
        assert (again.exit_code, "0 released, 2 remain parked." in again.output) == (0, True)
        aside = await typed("account", "lock", account, "--reason", "fraud review")
        assert aside.exit_code == 3
        assert "because its account is parked" in aside.output
        gone = await typed("parked", "discard", account, str(later), "--reason", "in vain")
        assert (gone.exit_code, f"{later} discarded, 2 remain parked" in gone.output) == (0, True)
        missing = await typed("parked", "discard", account, str(later), "--reason", "in vain")
        assert (missing.exit_code, "(1404): No such command is parked" in missing.output) == (1, True)
        mended.append(True)
        done = await typed("parked", "release", account, "--reason", "mended")
        assert (done.exit_code, "2 released, none remain parked." in done.output) == (0, True)
    assert (await typed("operation", str(bad))).exit_code == 0
    discarded = await typed("operation", str(later))
    assert discarded.exit_code == 1
    assert "(1314): Support discarded this request." in discarded.output
    assert "Applied" in (await typed("operation", id_in(aside))).output
