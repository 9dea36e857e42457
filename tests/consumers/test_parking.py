"""One command that can't be applied stands alone: its account waits in order, everybody else goes on."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from uuid6 import uuid7

from consumers import batch, fold
from handlers.account import Account
from handlers.decision import Context, Decision
from handlers.profiles import PROFILE, Profile
from handlers.registry import decide
from state.postgres import accounts as account_rows
from state.postgres.connection import Connection
from state.postgres.stores import STORES
from tests.consumers.lanes import SUPPORT, LaneUnderTest, account_id, count, journaled, until
from tests.consumers.test_loop import PROFILE as CREATE
from tests.consumers.test_loop import REGISTERED, dead_letters, decided, register
from topics.accounts import AccountRegistered, SetFlag
from topics.message import Message
from topics.parking import DiscardParked, ReleaseParked
from topics.profiles import PatchProfile

pytestmark = [pytest.mark.asyncio, pytest.mark.stack]

RELEASE = ReleaseParked(reason="fixed")
BAD = PatchProfile(billing_email="bad@example.com")
GOOD = PatchProfile(billing_email="good@example.com")
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


async def shelf(connection: Connection, account: str) -> list[tuple[UUID, str, str | None]]:
    """What waits for an account, in its order: command, lane, error."""
    rows = await connection.fetch(
        "SELECT command_id, lane, error FROM parked_commands WHERE account_id = $1 ORDER BY position", account
    )
    return [(row["command_id"], row["lane"], row["error"]) for row in rows]


def waiting(connection: Connection, number: int) -> Callable[[], Awaitable[bool]]:
    """Whether so many commands are parked."""

    async def enough() -> bool:
        return await count(connection, "parked_commands") == number

    return enough


def applied(connection: Connection, *commands: UUID) -> Callable[[], Awaitable[bool]]:
    """Whether all of these have an outcome."""

    async def all_there() -> bool:
        found: int = await connection.fetchval(
            "SELECT count(*) FROM journal WHERE command_id = ANY($1::uuid[])", commands
        )
        return found == len(commands)

    return all_there


async def parked_since(connection: Connection, account: str) -> object:
    """Whether the account is set aside."""
    return await connection.fetchval("SELECT parked_since FROM accounts WHERE id = $1", account)


async def email(connection: Connection, account: str) -> str | None:
    """The account's billing e-mail address."""
    found: str | None = await connection.fetchval(
        "SELECT billing_email FROM profiles WHERE account_id = $1", account
    )
    return found


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
        others = [await lane.publish(other, message) for lane, message in ((commands, CREATE), (bulk, GOOD))]
        await until(applied(connection, created, *others))
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


class Disease:
    """A database that refuses profiles of some accounts."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.bad: Callable[[str, Profile], bool] = lambda account, profile: False
        store = STORES[PROFILE]

        async def save(connection: Connection, profiles: Mapping[str, Profile]) -> None:
            if any(self.bad(account, profile) for account, profile in profiles.items()):
                await connection.fetchval("SELECT 'not a number'::integer")
            await store.save(connection, profiles)

        monkeypatch.setattr(batch, "STORES", {**STORES, PROFILE: replace(store, save=save)})


@pytest.fixture
def disease(monkeypatch: pytest.MonkeyPatch) -> Disease:
    """A defect that only the database notices."""
    return Disease(monkeypatch)


async def many(facts: LaneUnderTest, connection: Connection, number: int) -> Sequence[str]:
    """Registered accounts."""
    accounts = [account_id() for _ in range(number)]
    await register(facts, connection, *accounts)
    return accounts


async def test_a_message_that_the_database_refuses_is_found_among_200_and_parked_alone(
    commands: LaneUnderTest, facts: LaneUnderTest, connection: Connection, disease: Disease
) -> None:
    accounts = await many(facts, connection, 201)
    ill = accounts[77]
    disease.bad = lambda account, profile: account == ill
    sent = {account: await commands.publish(account, CREATE) for account in accounts}
    later = await commands.publish(ill, GOOD)
    async with commands.running():
        await until(applied(connection, *(found for account, found in sent.items() if account != ill)))
        await until(waiting(connection, 2))
        assert await count(connection, "profiles") == 200
        assert await shelf(connection, ill) == [
            (sent[ill], "commands", "InvalidTextRepresentationError while saving"),
            (later, "commands", None),
        ]
        disease.bad = lambda account, profile: False
        await commands.publish(ill, RELEASE, actor=SUPPORT)
        await until(applied(connection, *sent.values(), later))
    assert await count(connection, "profiles") == 201
    assert await count(connection, "journal") == 201 + 201 + 2


async def test_a_release_that_the_database_refuses_gets_as_far_as_it_can_and_stops_nobody(
    commands: LaneUnderTest, facts: LaneUnderTest, connection: Connection, disease: Disease
) -> None:
    (account, other) = await many(facts, connection, 2)
    disease.bad = lambda account_id, profile: account_id == account
    async with commands.running():
        first = await commands.publish(account, CREATE)
        good = [await commands.publish(account, GOOD) for _ in range(3)]
        bad = await commands.publish(account, BAD)
        await until(waiting(connection, 5))
        disease.bad = lambda account, profile: profile.fields["billing_email"] == "bad@example.com"
        # A release in one goes too far, so it is done in smaller steps, each of which an operator asks for.
        for done in range(4):
            release = await commands.publish(account, RELEASE, actor=SUPPORT)
            await until(applied(connection, release))
            assert await count(connection, "parked_commands") == 4 - done
        stuck = await commands.publish(account, RELEASE, actor=SUPPORT)
        await until(applied(connection, stuck, first, *good))
        others = await commands.publish(other, CREATE)
        await until(applied(connection, others))
        ((command_id, _, error),) = await shelf(connection, account)
        assert command_id == bad
        assert error == "InvalidTextRepresentationError while saving"
        await commands.publish(account, DiscardParked(command_id=bad, reason="never"), actor=SUPPORT)
        await until(applied(connection, bad))
    assert await email(connection, account) == "good@example.com"
    assert await parked_since(connection, account) is None


def once(monkeypatch: pytest.MonkeyPatch, error: Exception) -> list[Exception]:
    """Let the first locking of accounts fail; gives what is left to be raised."""
    left, lock = [error], account_rows.lock

    async def failing(connection: Connection, ids: Sequence[str]) -> Any:
        if left:
            raise left.pop()
        return await lock(connection, ids)

    monkeypatch.setattr(account_rows, "lock", failing)
    return left


@pytest.mark.parametrize(
    "error",
    [
        asyncpg.exceptions.DeadlockDetectedError("deadlock detected"),
        asyncpg.exceptions.SerializationError("could not serialize access"),
        asyncpg.exceptions.InvalidCachedStatementError("cached plan must not change result type"),
    ],
)
async def test_what_goes_through_the_second_time_is_tried_again_at_once(
    commands: LaneUnderTest,
    facts: LaneUnderTest,
    connection: Connection,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
) -> None:
    account = account_id()
    await register(facts, connection, account)
    left = once(monkeypatch, error)
    async with commands.running():
        created = await commands.publish(account, CREATE)
        await until(applied(connection, created))
    assert left == []
    assert await count(connection, "parked_commands") == 0


async def test_a_conflict_that_never_ends_is_a_defect_and_parks_its_account(
    commands: LaneUnderTest, facts: LaneUnderTest, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    account, other = account_id(), account_id()
    await register(facts, connection, account, other)

    async def stubborn(connection: Connection, profiles: Mapping[str, Profile]) -> None:
        if account in profiles:
            raise asyncpg.exceptions.SerializationError("could not serialize access")
        await STORES[PROFILE].save(connection, profiles)

    store = replace(STORES[PROFILE], save=stubborn)
    monkeypatch.setattr(batch, "STORES", {**STORES, PROFILE: store})
    monkeypatch.setattr("consumers.applier.TOO_MANY_CONFLICTS", 3)
    created = await commands.publish(account, CREATE)
    others = await commands.publish(other, CREATE)
    async with commands.running():
        await until(applied(connection, others))
        await until(waiting(connection, 1))
    assert await shelf(connection, account) == [(created, "commands", "SerializationError while saving")]


async def test_a_dead_letter_among_the_bisected_ones_is_written_once(
    commands: LaneUnderTest, facts: LaneUnderTest, connection: Connection, disease: Disease
) -> None:
    accounts = await many(facts, connection, 4)
    disease.bad = lambda account, profile: account == accounts[0]
    await commands.raw(accounts[1].encode(), b"?", [])
    for account in accounts:
        await commands.publish(account, CREATE)
    await commands.raw(accounts[2].encode(), b"?", [])
    async with commands.running():
        await until(waiting(connection, 1))
        await until(decided(connection, 4 + 3))
        await until(dead_letters(connection, 2))
    assert await count(connection, "profiles") == 3
