"""One message that the database refuses is found among its neighbours; conflicts are tried again at once."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import asyncpg
import pytest

from consumers import batch
from handlers.profiles import PROFILE, Profile
from state.postgres import accounts as account_rows
from state.postgres.connection import Connection
from state.postgres.stores import STORES
from tests.consumers.lanes import SUPPORT, LaneUnderTest, account_id, count, until
from tests.consumers.shelves import BAD, GOOD, RELEASE, applied, email, parked_since, shelf, waiting
from tests.consumers.test_loop import PROFILE as CREATE
from tests.consumers.test_loop import dead_letters, decided, register
from topics.parking import DiscardParked

pytestmark = [pytest.mark.asyncio, pytest.mark.stack]


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
