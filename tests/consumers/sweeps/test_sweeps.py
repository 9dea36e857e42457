"""How a sweep goes on: resumed by another worker, stopped, refused by Stripe; strays; recent events."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from consumers.sweeps import strays, sweeper
from consumers.sweeps.asking import Processors
from consumers.sweeps.recent import WINDOW
from consumers.sweeps.sweeper import Sweeper, SweepSettings
from consumers.sweeps.walk import FIRST
from handlers.drift import Cause
from state.postgres import drift, sweeps
from state.postgres.sweeps import Counts
from state.redis.budget import Priority
from state.stripe import customers, subscriptions
from tests.consumers.effects.stripe_side import stripe, subscribed
from tests.consumers.sweeps.sweeping import ON_DEMAND, Sweeping, sweeping

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="session")]


def make_customers(sweep: Sweeping, count: int, **metadata: str) -> list[str]:
    """Customers that somebody else made at Stripe."""
    given = {f"metadata[{key}]": value for key, value in metadata.items()}
    return [str(stripe(sweep.payments, "/v1/customers", name=f"N {n}", **given)["id"]) for n in range(count)]


async def test_duplicates_and_orphans_are_told_apart_over_several_pages(
    sweep: Sweeping, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(strays, "YOUNGEST", timedelta(seconds=-5))
    orphans = make_customers(sweep, 120)
    (duplicate,) = make_customers(sweep, 1, account_id=sweep.payments.account)
    (unknown,) = make_customers(sweep, 1, account_id="a" * 32)
    own = (await sweep.payments.customer())["id"]
    done = await sweep.everything()
    assert (done.state, done.accounts) == ("done", 1)
    found = {row["customer_id"]: row for row in await drift.strays(sweep.payments.world.connection, 500)}
    assert set(found) == {*orphans, duplicate, unknown}
    assert (found[duplicate]["account_id"], found[duplicate]["linked_to"]) == (sweep.payments.account, own)
    assert (found[unknown]["account_id"], found[unknown]["linked_to"]) == ("a" * 32, None)
    sweep.payments.world.double.driver.delete(unknown, silent=True)
    await sweep.everything()
    left = {row["customer_id"] for row in await drift.strays(sweep.payments.world.connection, 500)}
    assert left == {*orphans, duplicate}


async def test_another_worker_goes_on_where_one_stopped(sweep: Sweeping) -> None:
    make_customers(sweep, 120)
    connection = sweep.payments.world.connection
    await sweeps.ask(connection, FIRST)
    assert await sweep.member.sweep_on()
    (under_way,) = await sweeps.newest(connection, 1)
    assert (under_way.phase, under_way.place is not None, under_way.accounts) == (FIRST, True, 0)
    async with sweeping(sweep.payments, "other") as other:
        assert not await other.member.sweep_on(), "the lease still holds"
        await connection.execute("UPDATE sweeps SET leased_until = now() - interval '1 second'")
        while await other.member.sweep_on():
            pass
    (done,) = await sweeps.newest(connection, 1)
    assert (done.id, done.state, done.accounts) == (under_way.id, "done", 1)
    asked = sweep.payments.world.double.asked("GET /v1/customers")
    assert len(asked) == 2, "no page was read twice"
    assert await connection.fetchval("SELECT count(*) FROM swept_objects") == 0


async def test_a_place_that_was_deleted_meanwhile_is_no_end(sweep: Sweeping) -> None:
    make_customers(sweep, 120)
    connection = sweep.payments.world.connection
    await sweeps.ask(connection, FIRST)
    await sweep.member.sweep_on()
    (under_way,) = await sweeps.newest(connection, 1)
    sweep.payments.world.double.driver.delete(str(under_way.place), silent=True)
    await connection.execute("UPDATE sweeps SET place = 'cus_gone'")
    while await sweep.member.sweep_on():
        pass
    (done,) = await sweeps.newest(connection, 1)
    assert (done.state, done.accounts) == ("done", 1)


async def test_a_sweep_waits_for_a_stripe_that_limits_it_and_says_so(sweep: Sweeping) -> None:
    driver, connection = sweep.payments.world.double.driver, sweep.payments.world.connection
    driver.fault("rate_limit", method="GET", path="/v1/customers$", times=1)
    await sweeps.ask(connection, FIRST)
    assert not await sweep.member.sweep_on()
    (waiting,) = await sweeps.newest(connection, 1)
    assert waiting.state == "running"
    assert waiting.last_error
    await connection.execute("UPDATE sweeps SET leased_until = now()")
    while await sweep.member.sweep_on():
        pass
    (done,) = await sweeps.newest(connection, 1)
    assert (done.state, done.last_error) == ("done", None)


async def test_a_defect_holds_up_its_step_and_its_account_and_says_so(
    sweep: Sweeping, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = sweep.payments.world.connection

    async def fails(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as broken:
        broken.setattr(subscriptions, "page", fails)
        broken.setattr(customers, "retrieve", fails)
        await sweeps.ask(connection, FIRST)
        while await sweep.member.sweep_on():
            pass
        (standing,) = await sweeps.newest(connection, 1)
        assert (standing.state, standing.last_error) == ("running", "ZeroDivisionError in a step")
        await connection.execute(
            "INSERT INTO drift_suspects (account_id, due_at) VALUES ($1, now())", sweep.payments.account
        )
        await sweep.again()
    assert await connection.fetchval("SELECT due_at > now() + interval '5 minutes' FROM drift_suspects")
    await connection.execute("UPDATE sweeps SET leased_until = now()")
    while await sweep.member.sweep_on():
        pass
    (done,) = await sweeps.newest(connection, 1)
    assert (done.state, done.last_error) == ("done", None)


async def test_a_sweep_that_was_ended_is_not_gone_on_with(sweep: Sweeping) -> None:
    connection = sweep.payments.world.connection
    number = await sweeps.ask(connection, FIRST)
    assert await sweeps.ask(connection, FIRST) is None, "one at a time"
    assert await sweeps.stop(connection) == number
    assert not await sweep.member.sweep_on()
    (stopped,) = await sweeps.newest(connection, 1)
    assert stopped.state == "stopped"


async def test_a_step_that_waits_for_room_at_stripe_holds_up_no_stop(
    sweep: Sweeping, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweeper, "LET_GO", timedelta(seconds=0.2))
    world, waits = sweep.payments.world, asyncio.Event()

    async def never(endpoint: str, priority: Priority) -> float:
        waits.set()
        return 60.0

    with monkeypatch.context() as full:
        full.setattr(world.stripe.budget, "ask", never)
        member = Sweeper(
            Processors(world.stripe, world.braintree),
            dsn=world.stack.database_url,
            worker="waiting",
            settings=ON_DEMAND,
        )
        await sweeps.ask(world.connection, FIRST)
        for window, holder in ((WINDOW, "waiting"), ("another", "somebody")):
            assert await sweeps.lead(world.connection, window, holder, sweeper.LEASE)
        task = asyncio.create_task(member.run())
        async with asyncio.timeout(30):
            await waits.wait()
            member.stop()
            await task
    assert await sweeps.lead(world.connection, WINDOW, "test", sweeper.LEASE)
    assert not await sweeps.lead(world.connection, "another", "test", sweeper.LEASE), "others keep theirs"
    while await sweep.member.sweep_on():
        pass
    (done,) = await sweeps.newest(world.connection, 1)
    assert (done.state, done.accounts) == ("done", 1), "whoever follows repeats the step at once"


async def test_the_next_sweep_begins_when_it_is_time_also_after_one_that_was_ended(sweep: Sweeping) -> None:
    world = sweep.payments.world
    processors = Processors(world.stripe, world.braintree)
    daily = Sweeper(processors, dsn=world.stack.database_url, worker="daily", settings=SweepSettings())
    try:
        assert await daily.sweep_on(), "the first one begins at once"
        await sweeps.stop(world.connection)
        assert not await daily.sweep_on()
        await world.connection.execute("UPDATE sweeps SET started_at = started_at - interval '25 hours'")
        assert await daily.sweep_on()
    finally:
        await daily.close()
    assert [one.state for one in await sweeps.newest(world.connection, 5)] == ["running", "stopped"]


async def test_a_lost_webhook_is_found_in_the_events_of_the_last_minutes(sweep: Sweeping) -> None:
    await sweep.payments.adds()
    await sweep.payments.world.settle()
    card = (await sweep.payments.only()).details.reference
    subscription = await subscribed(sweep.payments)
    stripe(sweep.payments, f"/v1/payment_methods/{card}/detach")
    connection = sweep.payments.world.connection
    await connection.execute(
        "INSERT INTO sweep_windows (name, until) VALUES ('recent', $1)",
        datetime.now(UTC) - timedelta(minutes=1),
    )
    await asyncio.sleep(1.1)  # a window ends before the second that is not over
    await sweep.member.recent.follow(Counts())
    await sweep.again()
    found = await sweep.reported()
    assert found[f"payment_methods.{card}"] == ("active", None, Cause.MISSED_WEBHOOK)
    assert found[f"subscriptions.{subscription}"] == (None, "active", Cause.MISSED_WEBHOOK)
    await sweep.repaired()
    assert await sweep.reported() == {}


async def test_events_of_what_is_known_are_no_differences(sweep: Sweeping) -> None:
    """At most they cost a look: a window may end between two events of one second."""
    await sweep.payments.adds()
    await sweep.payments.world.settle()
    await sweep.everything()
    await asyncio.sleep(1.1)
    while await sweep.member.recent.follow(Counts()):
        pass
    assert await sweep.payments.world.connection.fetchval("SELECT count(*) FROM drift") == 0
