"""The member that asks the accounts of a batch, one after the other: cap, order, stopping, and what a kill leaves."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
import pytest_asyncio
from asyncpg.exceptions import QueryCanceledError
from redis.asyncio import Redis

from handlers.payment_method import PaymentMethod, PaymentMethods, vaulted_id_of
from handlers.paypal_batches import PayPalBatch
from handlers.paypal_migration import REVOKED, Migration, Migrations
from producers.paypal_batches import PayPalBatches
from producers.publisher import Publisher
from state.postgres import payment_methods, paypal_batches, paypal_migrations, switches
from state.postgres.connection import Connection
from tests.conftest import Stack
from tests.consumers.lanes import LaneUnderTest, account_id, journaled, lane_under_test, until
from topics.payment_methods import MethodDetails, MethodKind, MethodState, Processor
from topics.paypal_migrations import MigratePayPal, MigrationState, ReviewPayPalMigrations

pytestmark = [pytest.mark.asyncio, pytest.mark.stack]
NOW = datetime.now(UTC)
BATCH = PayPalBatch(
    dry_run=True,
    after=None,
    accounts=(),
    cap=100,
    asked_by="service:test",
    reason="a test",
    stopped=False,
    version=1,
    created_on=NOW,
    edited_on=NOW,
)


@pytest_asyncio.fixture(autouse=True)
async def _alone(connection: Connection) -> None:
    """Batches are about all accounts: none of another test's is there."""
    await connection.execute(
        "TRUNCATE paypal_batches, paypal_batch_runs, paypal_batch_accounts, paypal_migrations"
    )
    await connection.execute("DELETE FROM payment_methods WHERE processor = 'braintree'")


async def payer(connection: Connection, token: str) -> str:
    """An account that pays with PayPal."""
    account = account_id()
    await connection.execute(
        "INSERT INTO accounts (id, type, version, created_on, edited_on) VALUES ($1, 'pay_go', 1, now(), now())",
        account,
    )
    details = MethodDetails(processor=Processor.BRAINTREE, kind=MethodKind.PAYPAL, reference=token)
    method = PaymentMethod(vaulted_id_of(token), details, MethodState.ACTIVE, 1, NOW, NOW, default=True)
    await payment_methods.save(connection, {account: PaymentMethods({}).put(method)})
    return account


async def batch(connection: Connection, **changes: Any) -> str:
    """A batch as the loop leaves it."""
    batch_id = account_id()
    await paypal_batches.save(connection, {batch_id: replace(BATCH, **changes)})
    return batch_id


async def moved(connection: Connection, account: str, batch_id: str, **changes: Any) -> None:
    """The migration of an account's one method."""
    details = MethodDetails(processor=Processor.BRAINTREE, kind=MethodKind.PAYPAL, reference="f28w")
    one = Migration("0" * 32, batch_id, True, MigrationState.FOUND, details, 1, NOW, NOW, new="1" * 32)
    await paypal_migrations.save(connection, {account: Migrations({}).put(replace(one, **changes))})


@asynccontextmanager
async def rounds(lane: LaneUnderTest, worker: str = "test") -> AsyncIterator["Rounds"]:
    """A member whose rounds the test calls for."""
    member = PayPalBatches(
        dsn=lane.stack.database_url,
        bootstrap=lane.stack.kafka_bootstrap,
        worker=worker,
        topic=lane.lane.topic.name,
    )
    async with Publisher(lane.stack.kafka_bootstrap, client_id="test") as publisher:
        try:
            yield Rounds(member, publisher)
        finally:
            await member.close()


class Rounds:
    """A member and what it publishes with."""

    def __init__(self, member: PayPalBatches, publisher: Publisher) -> None:
        self.member, self.publisher = member, publisher

    async def one(self) -> bool:
        return await self.member.round(self.publisher, NOW)

    async def all(self) -> int:
        """Until there is no more to do; gives how many rounds did something."""
        number = 0
        while await self.one():
            number += 1
        return number


async def asked(connection: Connection, batch_id: str) -> list[str]:
    """The accounts that were asked, in id order."""
    return [
        row["account_id"] for row in await paypal_batches.accounts(connection, batch_id, limit=99, offset=0)
    ]


async def test_all_that_pay_through_braintree_are_asked_once(
    stack: Stack, redis: Redis, connection: Connection
) -> None:
    payers = sorted([await payer(connection, f"tok{number}") for number in range(3)])
    batch_id = await batch(connection)
    async with lane_under_test("bulk", stack, redis) as lane, rounds(lane) as member:
        await member.all()
        assert await asked(connection, batch_id) == payers
        assert await member.all() == 0, "a batch that is through asks nobody again"
        async with lane.running():
            for account in payers:
                await until(partial(journaled, connection, account))
    for account in payers:
        assert [row[:2] for row in await journaled(connection, account)] == [(MigratePayPal.type, "applied")]


async def test_a_cap_bounds_the_accounts(stack: Stack, redis: Redis, connection: Connection) -> None:
    for number in range(4):
        await payer(connection, f"tok{number}")
    batch_id = await batch(connection, cap=3)
    async with lane_under_test("bulk", stack, redis) as lane, rounds(lane) as member:
        await member.all()
    assert len(await asked(connection, batch_id)) == 3
    row = await paypal_batches.find(connection, batch_id)
    assert row is not None
    assert (row["asked"], row["finished_at"] is not None) == (3, True)


async def test_named_accounts_alone_are_asked(stack: Stack, redis: Redis, connection: Connection) -> None:
    await payer(connection, "tok0")
    named = sorted([await payer(connection, "tok1"), await payer(connection, "tok2")])
    batch_id = await batch(connection, accounts=tuple(named))
    async with lane_under_test("bulk", stack, redis) as lane, rounds(lane) as member:
        await member.all()
    assert await asked(connection, batch_id) == named


async def test_a_run_is_about_what_its_dry_run_found(
    stack: Stack, redis: Redis, connection: Connection
) -> None:
    dry = await batch(connection)
    found, sound, narrowed, revoked, unclear = [
        await payer(connection, f"tok{number}") for number in range(5)
    ]
    await moved(connection, found, dry)
    await moved(connection, narrowed, dry)
    await moved(connection, sound, dry, state=MigrationState.SOUND)
    await moved(connection, revoked, dry, state=MigrationState.FAILED, why=REVOKED)
    await moved(connection, unclear, dry, state=MigrationState.FAILED, why="A person has to say.")
    named = (found, sound, revoked, unclear)
    run = await batch(connection, dry_run=False, after=dry, accounts=named)
    async with lane_under_test("bulk", stack, redis) as lane, rounds(lane) as member:
        await member.all()
    assert await asked(connection, run) == sorted([found, revoked])


async def test_what_is_stopped_asks_nobody(stack: Stack, redis: Redis, connection: Connection) -> None:
    await payer(connection, "tok0")
    stopped = await batch(connection, stopped=True)
    async with lane_under_test("bulk", stack, redis) as lane, rounds(lane) as member:
        assert await member.all() == 0
        running = await batch(connection)
        name = paypal_batches.SWITCH
        await switches.switch(connection, name, off=True, by="test", reason="an incident")
        assert await member.all() == 0
        await switches.switch(connection, name, off=False, by="test", reason="over")
        await member.all()
    assert (len(await asked(connection, stopped)), len(await asked(connection, running))) == (0, 1)


async def test_no_more_is_asked_than_can_be_stopped(
    stack: Stack, redis: Redis, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("producers.paypal_batches.IN_HAND", 1)
    first, second = sorted([await payer(connection, "tok0"), await payer(connection, "tok1")])
    batch_id = await batch(connection)
    async with lane_under_test("bulk", stack, redis) as lane, rounds(lane) as member:
        assert await member.one()
        await moved(connection, first, batch_id, state=MigrationState.IMPORTED)
        assert not await member.one()
        assert await asked(connection, batch_id) == [first]
        await connection.execute("UPDATE paypal_migrations SET state = 'switched'")
        assert not await member.one(), "its command has no outcome yet"
        await connection.execute("UPDATE paypal_batch_accounts SET decided = true")
        await member.all()
    assert await asked(connection, batch_id) == [first, second]


async def test_whoever_follows_publishes_duplicates_and_goes_on(
    stack: Stack, redis: Redis, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = await payer(connection, "tok0")
    batch_id = await batch(connection)

    def dies(point: str) -> None:
        if point == "paypal.asked":
            raise RuntimeError(point)

    async with lane_under_test("bulk", stack, redis) as lane:
        async with rounds(lane, "first") as member:
            monkeypatch.setattr("producers.paypal_batches.crash_point", dies)
            with pytest.raises(RuntimeError, match=r"paypal\.asked"):
                await member.one()
            monkeypatch.undo()
        async with rounds(lane, "second") as member:
            assert await member.all() == 0, "the lease of the first holds for a while"
            await connection.execute("UPDATE paypal_batch_runs SET leased_until = now()")
            await member.all()
        async with lane.running():
            await until(lambda: journaled(connection, account))
    assert await asked(connection, batch_id) == [account]
    assert len(await journaled(connection, account)) == 1


@pytest.mark.parametrize("point", ["paypal.planned", "paypal.asked"])
async def test_a_cap_holds_over_a_kill(
    stack: Stack, redis: Redis, connection: Connection, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    dry = await batch(connection)
    await connection.execute("UPDATE paypal_batches SET stopped = true")
    for number in range(6):
        await moved(connection, await payer(connection, f"tok{number}"), dry)
    run = await batch(connection, dry_run=False, after=dry, cap=3)

    def dies(passed: str) -> None:
        if passed == point:
            raise RuntimeError(point)

    async with lane_under_test("bulk", stack, redis) as lane:
        async with rounds(lane, "first") as member:
            monkeypatch.setattr("producers.paypal_batches.crash_point", dies)
            with pytest.raises(RuntimeError):
                await member.one()
            monkeypatch.undo()
        await connection.execute("UPDATE paypal_batch_runs SET leased_until = now()")
        async with lane.running(), rounds(lane, "second") as member:
            await until(partial(through, member, connection, run))
    accounts = await asked(connection, run)
    began = await connection.fetch("SELECT account_id FROM paypal_migrations WHERE batch = $1", run)
    assert len(accounts) == 3
    assert sorted(row["account_id"] for row in began) == accounts


async def test_a_member_that_was_asleep_asks_nobody(
    stack: Stack, redis: Redis, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = await payer(connection, "tok0")
    await batch(connection)
    following = paypal_batches.following

    async def asleep(other: Connection, run: paypal_batches.Run, limit: int) -> list[str]:
        await connection.execute("UPDATE paypal_batch_runs SET leased_by = 'another'")
        return await following(other, run, limit)

    monkeypatch.setattr("producers.paypal_batches.paypal_batches.following", asleep)
    async with lane_under_test("bulk", stack, redis) as lane, rounds(lane) as member:
        assert not await member.one()
        monkeypatch.undo()
        await connection.execute("UPDATE paypal_batches SET stopped = true")
        marker = await payer(connection, "tok1")
        await moved(connection, marker, "b" * 32, state=MigrationState.SWITCHED, dry_run=False)
        await member.member.review(member.publisher, NOW)
        async with lane.running():
            await until(lambda: journaled(connection, marker))
    assert await journaled(connection, account) == []


async def through(member: Rounds, connection: Connection, batch_id: str) -> bool:
    await member.all()
    row = await paypal_batches.find(connection, batch_id)
    pending = [
        one for one in await paypal_batches.outcomes(connection, batch_id) if one["outcome"] == "pending"
    ]
    return row is not None and row["finished_at"] is not None and not pending


async def test_what_waits_for_its_first_payment_is_looked_at_once_a_day(
    stack: Stack, redis: Redis, connection: Connection
) -> None:
    account, other = await payer(connection, "tok0"), await payer(connection, "tok1")
    await moved(connection, account, "b" * 32, state=MigrationState.SWITCHED, dry_run=False)
    await moved(connection, other, "b" * 32, state=MigrationState.OLD_REVOKED, dry_run=False)
    async with lane_under_test("bulk", stack, redis) as lane, rounds(lane) as member:
        for _ in range(2):
            assert await member.member.review(member.publisher, NOW) == 1
        async with lane.running():
            await until(lambda: journaled(connection, account))
    assert [row[:2] for row in await journaled(connection, account)] == [
        (ReviewPayPalMigrations.type, "applied")
    ]
    assert await journaled(connection, other) == []


async def test_a_batch_too_old_for_its_ids_is_not_gone_on_with(
    stack: Stack, redis: Redis, connection: Connection
) -> None:
    await payer(connection, "tok0")
    await batch(connection, created_on=NOW - timedelta(days=40))
    async with lane_under_test("bulk", stack, redis) as lane, rounds(lane) as member:
        assert await member.all() == 0


async def test_a_batch_goes_on_while_counting_takes_too_long(
    lane: LaneUnderTest, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def too_long(_connection: Connection) -> dict[str, int]:
        raise QueryCanceledError

    monkeypatch.setattr(paypal_migrations, "standing", too_long)
    await payer(connection, "vault1")
    await batch(connection)
    async with rounds(lane) as at_work:
        assert await at_work.one()
