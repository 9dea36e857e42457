"""The life of a command, through real Kafka, PostgreSQL and Redis."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from uuid import UUID

import pytest
from prometheus_client import REGISTRY
from redis.asyncio import Redis
from uuid6 import uuid7

from state.postgres.connection import Connection
from state.redis.replies import listen
from tests.consumers.lanes import (
    SUPPORT,
    LaneUnderTest,
    account_id,
    count,
    journaled,
    until,
)
from topics.accounts import AccountRegistered, AccountType, LockAccount, SetFlag
from topics.codec import encode_body, encode_headers
from topics.message import Envelope
from topics.profiles import CreateProfile, PatchProfile, ReplaceProfile

pytestmark = [pytest.mark.asyncio, pytest.mark.stack]

REGISTERED = AccountRegistered(account_type=AccountType.PAY_GO)
PROFILE = CreateProfile(
    first_name="Ada",
    last_name="Lovelace",
    address="1 Main St",
    city="Springfield",
    state="IL",
    zipcode="62701",
    country="US",
    billing_email="ada@example.com",
)
OTHER_PROFILE = ReplaceProfile(**PROFILE.model_dump(exclude={"city"}), city="Chicago")


def decided(connection: Connection, number: int) -> Callable[[], Awaitable[bool]]:
    """Whether the journal has that many rows."""

    async def enough() -> bool:
        return await count(connection, "journal") >= number

    return enough


async def register(facts: LaneUnderTest, connection: Connection, *accounts: str) -> None:
    """Open accounts as upstream does."""
    before = await count(connection, "accounts")
    async with facts.running():
        for account in accounts:
            await facts.publish(account, REGISTERED)

        async def there() -> bool:
            return await count(connection, "accounts") == before + len(accounts)

        await until(there)


async def test_a_command_becomes_state_a_journal_row_and_an_event(
    commands: LaneUnderTest, facts: LaneUnderTest, connection: Connection
) -> None:
    account = account_id()
    await register(facts, connection, account)
    async with commands.running():
        command_id = await commands.publish(account, PROFILE)
        await until(decided(connection, 2))
    profile = await connection.fetchrow("SELECT city, version FROM profiles WHERE account_id = $1", account)
    assert profile is not None
    assert (profile["city"], profile["version"]) == ("Springfield", 1)
    event = await connection.fetchrow(
        "SELECT topic, headers FROM outbox WHERE key = $1 ORDER BY id DESC LIMIT 1", account
    )
    assert event is not None
    assert event["topic"] == "billing.events.v1"
    assert f"{command_id}/0" in event["headers"]


async def test_a_command_for_an_unknown_account_is_refused(
    commands: LaneUnderTest, connection: Connection
) -> None:
    account = account_id()
    async with commands.running():
        await commands.publish(account, PROFILE)
        await until(decided(connection, 1))
    assert await journaled(connection, account) == [("billing.profiles.create.v1", "refused", 1404)]


async def test_a_repeated_command_is_applied_once_whatever_the_distance(
    commands: LaneUnderTest, facts: LaneUnderTest, connection: Connection, redis: Redis
) -> None:
    account, command_id = account_id(), uuid7()
    await register(facts, connection, account)
    async with commands.running():
        for _ in range(3):
            await commands.publish(account, PROFILE, command_id=command_id)
        await until(decided(connection, 2))
        await redis.flushdb()
        await commands.publish(account, PROFILE, command_id=command_id)
        await commands.publish(account, PatchProfile(billing_email="b@example.com"))
        await until(decided(connection, 3))
    assert await count(connection, "journal") == 3
    version = await connection.fetchval("SELECT version FROM profiles WHERE account_id = $1", account)
    assert version == 2


async def test_one_id_for_two_accounts_is_a_dead_letter_for_the_second(
    commands: LaneUnderTest, facts: LaneUnderTest, connection: Connection
) -> None:
    first, second, command_id = account_id(), account_id(), uuid7()
    await register(facts, connection, first, second)
    async with commands.running():
        await commands.publish(first, PROFILE, command_id=command_id)
        await until(decided(connection, 3))
        await commands.publish(second, PROFILE, command_id=command_id)
        await until(dead_letters(connection, 1))
    assert await connection.fetchval("SELECT count(*) FROM profiles") == 1


def dead_letters(connection: Connection, number: int) -> Callable[[], Awaitable[bool]]:
    """Whether that many dead letters are owed to Kafka."""

    async def enough() -> bool:
        found: int = await connection.fetchval(
            "SELECT count(*) FROM outbox WHERE topic = 'billing.dead-letters.v1'"
        )
        return found >= number

    return enough


async def test_what_cannot_be_understood_becomes_a_dead_letter_and_its_neighbours_go_on(
    commands: LaneUnderTest, facts: LaneUnderTest, connection: Connection
) -> None:
    account = account_id()
    await register(facts, connection, account)
    good = encode_headers(Envelope(uuid7(), PROFILE.type, account, SUPPORT))
    async with commands.running():
        await commands.raw(account.encode(), b"not json", good)
        await commands.raw(account.encode(), None, good)
        await commands.raw(None, encode_body(PROFILE), good)
        await commands.raw(account.encode(), encode_body(PROFILE), [("ce_id", b"\xff\x00")])
        await commands.publish(account, PROFILE)
        await until(decided(connection, 2))
        await until(dead_letters(connection, 4))
    found = await connection.fetch(
        "SELECT headers FROM outbox WHERE topic = 'billing.dead-letters.v1' ORDER BY id"
    )
    reasons = [reason for row in found for reason in REASONS if f'"{reason}"' in row["headers"]]
    assert sorted(reasons) == ["bad_body", "bad_header", "bad_key", "no_body"]


REASONS = ("no_body", "oversized", "bad_header", "unknown_type", "bad_id", "skewed_id", "bad_key", "bad_body")


async def test_a_locked_account_takes_commands_of_support_alone(
    commands: LaneUnderTest, facts: LaneUnderTest, connection: Connection
) -> None:
    account = account_id()
    await register(facts, connection, account)
    async with commands.running():
        await commands.publish(account, LockAccount(reason="fraud review"), actor=SUPPORT)
        await commands.publish(account, PROFILE)
        await commands.publish(account, PROFILE, actor=SUPPORT)
        await until(decided(connection, 4))
    assert [outcome for _, outcome, _ in await journaled(connection, account)] == [
        "applied",
        "applied",
        "refused",
        "applied",
    ]


async def test_debt_stands_in_the_way_of_replacing_but_not_of_new_emails(
    commands: LaneUnderTest, facts: LaneUnderTest, connection: Connection
) -> None:
    account = account_id()
    await register(facts, connection, account)
    async with commands.running():
        await commands.publish(account, PROFILE)
        await commands.publish(account, SetFlag(flag="bad_debt"), actor=SUPPORT)
        await commands.publish(account, OTHER_PROFILE)
        await commands.publish(account, PatchProfile(billing_email="new@example.com"))
        await until(decided(connection, 5))
    assert [code for _, _, code in await journaled(connection, account)] == [None, None, None, 1300, None]


async def test_the_waiting_caller_is_woken_with_the_outcome(
    commands: LaneUnderTest, connection: Connection, redis: Redis
) -> None:
    async with commands.running(), listen(redis, "replies:test") as batches:
        command_id = await commands.publish(account_id(), PROFILE, reply_to="replies:test")
        async with asyncio.timeout(20):
            outcomes = await anext(batches)
    assert [(told.command_id, told.outcome, told.code) for told in outcomes] == [
        (command_id, "refused", 1404)
    ]


async def test_commands_of_one_account_keep_their_order_through_three_workers_coming_and_going(
    commands: LaneUnderTest, facts: LaneUnderTest, connection: Connection
) -> None:
    accounts = [account_id() for _ in range(20)]
    await register(facts, connection, *accounts)
    sent: dict[str, list[UUID]] = {account: [] for account in accounts}

    async def publish(rounds: int) -> None:
        for n in range(rounds):
            for account in accounts:
                patch = PatchProfile(billing_email=f"n{n}@example.com")
                sent[account].append(await commands.publish(account, PROFILE if not n else patch))

    async with commands.running():
        await publish(5)
        async with commands.running(), commands.running():
            await publish(10)
        await publish(5)
        await until(decided(connection, len(accounts) * 21))
    versions = await connection.fetch("SELECT version, billing_email FROM profiles")
    assert {row["billing_email"] for row in versions} == {"n4@example.com"}
    for account in accounts:
        rows = await connection.fetch(
            "SELECT headers FROM outbox WHERE key = $1 AND topic = 'billing.events.v1' ORDER BY id", account
        )
        told = [row["headers"] for row in rows][1:]
        applied = await connection.fetch(
            "SELECT command_id FROM journal WHERE account_id = $1 AND outcome = 'applied' AND lane = 'commands'",
            account,
        )
        order = [command for command in sent[account] if command in {row["command_id"] for row in applied}]
        changed = [command for command in order if any(str(command) in text for text in told)]
        assert [
            next(i for i, text in enumerate(told) if str(command) in text) for command in changed
        ] == list(range(len(told)))


async def test_a_stream_that_is_mostly_invalid_halts_the_lane(
    commands: LaneUnderTest, connection: Connection
) -> None:
    for _ in range(250):
        await commands.raw(b"x", b"{}", [("ce_type", b"billing.of-tomorrow.v9"), ("ce_source", b"/shop")])
    async with commands.running(batch=50) as loop:

        async def halted() -> bool:
            return loop.halted is not None

        await until(halted)
        assert await count(connection, "outbox") < 250
        told = str(loop.halted)
        assert "unknown_type 1" in told
        assert f"{commands.lane.topic.name}/" in told
        assert "type 'billing.of-tomorrow.v9', source '/shop'" in told


async def test_a_halted_lane_says_how_long_its_records_wait(
    commands: LaneUnderTest, connection: Connection
) -> None:
    for _ in range(150):
        await commands.raw(b"x", b"{}", [("ce_type", b"billing.of-tomorrow.v9"), ("ce_source", b"/shop")])
    written = time.time()
    async with commands.running(batch=500) as loop:

        async def grows() -> bool:
            waited = time.time() - written
            return loop.halted is not None and lag(commands, "seconds") > max(2.0, waited - 1.5)

        async def counts_what_came_since() -> bool:
            return lag(commands, "messages") == 153

        await until(grows)
        assert lag(commands, "messages") == 150
        for partition in range(3):
            await commands.producer.send_and_wait(commands.lane.topic.name, b"{}", partition=partition)
        await until(counts_what_came_since)
    assert await count(connection, "outbox") == 0


def lag(lane: LaneUnderTest, unit: str) -> float:
    """Of all its partitions: the sum, as one of them has it all."""
    name = f"billing_consumer_lag_{unit}"
    return sum(
        sample.value
        for metric in REGISTRY.collect()
        for sample in metric.samples
        if sample.name == name and sample.labels["group"] == lane.lane.group
    )
