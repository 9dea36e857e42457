"""The clock publishes what is due: once a day for an account, however often it goes round."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from redis.asyncio import Redis

from handlers.payment_method import PaymentMethod, PaymentMethods, method_id_of
from producers.publisher import Publisher
from producers.schedule import Schedule
from state.postgres import payment_methods
from state.postgres.connection import Connection
from tests.conftest import Stack
from tests.consumers.lanes import LaneUnderTest, account_id, journaled, lane_under_test, until
from topics.payment_methods import MethodDetails, MethodKind, MethodState, Processor, ReviewCardExpiry

pytestmark = [pytest.mark.asyncio, pytest.mark.stack]
NOW = datetime.now(UTC)


async def card(connection: Connection, ends: datetime, state: MethodState = MethodState.ACTIVE) -> str:
    """An account with one card that ends in that month."""
    account, reference = account_id(), f"pm_{account_id()}"
    await connection.execute(
        "INSERT INTO accounts (id, type, version, created_on, edited_on) VALUES ($1, 'pay_go', 1, now(), now())",
        account,
    )
    details = MethodDetails(
        processor=Processor.STRIPE,
        kind=MethodKind.CREDIT_CARD,
        reference=reference,
        exp_month=ends.month,
        exp_year=ends.year,
    )
    method = PaymentMethod(
        method_id_of(reference), details, state, 1, NOW, NOW, default=state is MethodState.ACTIVE
    )
    await payment_methods.save(connection, {account: PaymentMethods({}).put(method)})
    return account


async def state_of(connection: Connection, account: str) -> str:
    """The state of the account's one card."""
    state: str = await connection.fetchval("SELECT state FROM payment_methods WHERE account_id = $1", account)
    return state


async def goes_round(lane: LaneUnderTest, publisher: Publisher, now: datetime) -> int:
    """One round of a member of its own."""
    member = schedule(lane)
    try:
        return await member.round(publisher, now)
    finally:
        await member.close()


def schedule(lane: LaneUnderTest) -> Schedule:
    """The member, publishing to the test's lane."""
    return Schedule(
        dsn=lane.stack.database_url,
        bootstrap=lane.stack.kafka_bootstrap,
        client_id="test",
        topic=lane.lane.topic.name,
    )


async def test_cards_that_end_are_reviewed_once_a_day(
    stack: Stack, redis: Redis, connection: Connection
) -> None:
    past = await card(connection, NOW - timedelta(days=62))
    later = await card(connection, NOW + timedelta(days=400))
    gone = await card(connection, NOW - timedelta(days=62), MethodState.DETACHED)
    async with (
        lane_under_test("bulk", stack, redis) as lane,
        Publisher(stack.kafka_bootstrap, client_id="test") as publisher,
    ):
        for _ in range(2):
            assert await goes_round(lane, publisher, NOW) == 1
        async with lane.running():
            await until(lambda: journaled(connection, past))
        assert await state_of(connection, past) == "expired"
        assert await goes_round(lane, publisher, NOW) == 0, "what was dealt with is not due any more"
    assert [row[:2] for row in await journaled(connection, past)] == [(ReviewCardExpiry.type, "applied")]
    assert await journaled(connection, later) == await journaled(connection, gone) == []


async def test_another_day_is_another_command(stack: Stack, redis: Redis, connection: Connection) -> None:
    account = await card(connection, NOW)
    async with (
        lane_under_test("bulk", stack, redis) as lane,
        Publisher(stack.kafka_bootstrap, client_id="test") as publisher,
    ):
        yesterday = NOW - timedelta(days=1)
        for moment in (yesterday, NOW):
            await goes_round(lane, publisher, moment)
        async with lane.running():
            async with asyncio.timeout(30):
                while len(await journaled(connection, account)) < 2:
                    await asyncio.sleep(0.05)
    assert {row[0] for row in await journaled(connection, account)} == {ReviewCardExpiry.type}


async def test_the_member_goes_round_by_itself_and_stops(
    stack: Stack, redis: Redis, connection: Connection
) -> None:
    past = await card(connection, NOW - timedelta(days=62))
    async with lane_under_test("bulk", stack, redis) as lane, lane.running():
        member = schedule(lane)
        task = asyncio.create_task(member.run())
        await until(lambda: journaled(connection, past))
        member.stop()
        await asyncio.wait_for(task, 10)
