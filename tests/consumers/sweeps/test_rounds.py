"""Rounds over the accounts that pay by PayPal: what Braintree's webhooks do not tell is found without a full sweep."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

import pytest

from consumers.sweeps.asking import Processors
from consumers.sweeps.rounds import Rounds
from consumers.sweeps.sweeper import LEASE, Sweeper
from consumers.sweeps.walk import FIRST
from handlers.drift import Cause
from observability.metrics import PAYPAL_ROUND_AGE_SECONDS
from state.postgres import sweeps
from state.postgres.sweeps import Counts
from tests.consumers.effects.stripe_side import stripe
from tests.consumers.effects.world import until
from tests.consumers.sweeps.crowd import account, crowded, token
from tests.consumers.sweeps.sweeping import ON_DEMAND, Sweeping
from tests.consumers.sweeps.test_sweep_kills import killed_at

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="session")]
AT_ONCE = timedelta(seconds=0.05)
SEARCH = "/customers/advanced_search"


@asynccontextmanager
async def at_work(sweep: Sweeping) -> AsyncIterator[None]:
    """The whole member as the fleet runs it, which waits for nothing."""
    world = sweep.payments.world
    settings = replace(ON_DEMAND, poll=AT_ONCE, round_pause=AT_ONCE)
    processors = Processors(world.stripe, world.braintree)
    member = Sweeper(processors, dsn=world.stack.database_url, worker="test", settings=settings)
    task = asyncio.create_task(member.run())
    try:
        yield
    finally:
        member.stop()
        await task


def searched(sweep: Sweeping) -> int:
    """How many pages of customers Braintree was asked for."""
    return len([one for one in sweep.payments.vault.driver.requests() if one["path"].endswith(SEARCH)])


def closely(sweep: Sweeping) -> list[str]:
    """The customers that Braintree was asked for one by one."""
    paths = [one["path"] for one in sweep.payments.vault.driver.requests() if one["method"] == "GET"]
    return [path.rpartition("/")[2] for path in paths if "/customers/" in path]


def revoke(sweep: Sweeping, revoked: str) -> None:
    """The payer takes an agreement back, and its webhook is lost."""
    driver = sweep.payments.vault.driver
    driver.deliver({"lose": 1.0})
    driver.revoke(revoked)


async def pages(sweep: Sweeping, count: int) -> None:
    """So many pages of the round."""
    for _ in range(count):
        await sweep.member.go_round()


async def place(sweep: Sweeping) -> str | None:
    """Where the round stands."""
    connection = sweep.payments.world.connection
    found: str | None = await connection.fetchval("SELECT place FROM sweep_windows WHERE name = 'agreements'")
    return found


async def test_a_revocation_whose_webhook_is_lost_is_found_without_a_full_sweep(sweep: Sweeping) -> None:
    await sweep.payments.connects()
    await sweep.payments.world.settle()
    revoked = (await sweep.payments.only()).id
    async with at_work(sweep):
        await until(lambda: _through(sweep))
        assert await sweep.reported() == {}
        revoke(sweep, revoked)
        await until(lambda: _reported(sweep))
    assert await sweep.reported() == {f"agreements.{revoked}": ("active", "revoked", Cause.MISSED_WEBHOOK)}
    assert await sweeps.newest(sweep.payments.world.connection, 1) == []
    await sweep.repaired()
    assert await sweep.reported() == {}


async def _reported(sweep: Sweeping) -> bool:
    return bool(await sweep.rows())


async def _through(sweep: Sweeping) -> bool:
    return await sweeps.seconds_since_round(sweep.payments.world.connection, "agreements") is not None


async def test_a_round_asks_for_fifty_customers_at_a_time_and_looks_closely_at_few(sweep: Sweeping) -> None:
    await crowded(sweep.payments)
    revoke(sweep, token(110))
    sweep.payments.vault.driver.remove(token(60))
    await pages(sweep, 2)
    assert (searched(sweep), await place(sweep)) == (2, account(100))
    await pages(sweep, 1)
    assert (searched(sweep), await place(sweep)) == (3, None)
    await sweep.again()
    found = {(one.account_id, one.difference.field, one.difference.theirs) for one in await sweep.rows()}
    assert {one for one in found if one[1].startswith("agreements")} == {
        (account(60), f"agreements.{token(60)}", None),
        (account(110), f"agreements.{token(110)}", "revoked"),
    }
    assert set(closely(sweep)) == {account(60), account(110)}


async def test_what_is_in_the_report_is_not_looked_at_again_in_each_round(sweep: Sweeping) -> None:
    await sweep.payments.connects()
    await sweep.payments.world.settle()
    revoke(sweep, (await sweep.payments.only()).id)
    await pages(sweep, 3)
    assert closely(sweep) == 2 * [sweep.payments.account], "once to find it, once to be sure"
    assert len(await sweep.rows()) == 1


async def test_the_next_round_begins_when_it_is_due(sweep: Sweeping) -> None:
    await sweep.payments.connects()
    await sweep.payments.world.settle()
    world = sweep.payments.world
    rounds = Rounds(sweep.member.examination, Processors(world.stripe, world.braintree), worker="test")
    assert await rounds.page(Counts(), LEASE)
    assert not await rounds.page(Counts(), LEASE)
    await world.connection.execute("UPDATE sweep_windows SET began_at = began_at - interval '6 minutes'")
    assert await rounds.page(Counts(), LEASE)


@pytest.mark.parametrize(
    ("point", "asked"), [("sweeps.page_moved:1", 3), ("sweeps.page_looked:2", 4), ("sweeps.page_moved:3", 3)]
)
async def test_killed_in_a_round(sweep: Sweeping, point: str, asked: int) -> None:
    await crowded(sweep.payments)
    revoke(sweep, token(110))
    await killed_at(sweep, point)
    before = searched(sweep)
    await sweep.member.go_round()
    assert searched(sweep) == before, "the lease still holds"
    await sweep.payments.world.connection.execute("UPDATE sweep_windows SET leased_until = now()")
    while not await _through(sweep):
        await sweep.member.go_round()
    assert searched(sweep) == asked
    await sweep.again()
    assert f"agreements.{token(110)}" in await sweep.reported()


async def test_a_braintree_that_does_not_answer_holds_up_nothing_else(sweep: Sweeping) -> None:
    await sweep.payments.connects()
    await sweep.payments.world.settle()
    revoked = (await sweep.payments.only()).id
    connection, driver = sweep.payments.world.connection, sweep.payments.vault.driver
    driver.fault("timeout_before", path="advanced_search", times=None)
    revoke(sweep, revoked)
    customer = (await sweep.payments.customer())["id"]
    async with at_work(sweep):
        await until(lambda: _asked(sweep))
        stripe(sweep.payments, f"/v1/customers/{customer}", name="Eve")
        await sweeps.ask(connection, FIRST)
        await until(lambda: _done(sweep))
        assert (await place(sweep), await _through(sweep)) == ("", False)
    await sweep.again()
    assert (await sweep.reported())["name"][1] == "Eve"


async def _asked(sweep: Sweeping) -> bool:
    return any("advanced_search" in one["path"] for one in sweep.payments.vault.driver.requests())


async def _done(sweep: Sweeping) -> bool:
    return [one.state for one in await sweeps.newest(sweep.payments.world.connection, 1)] == ["done"]


async def test_the_age_of_the_last_round_is_told(sweep: Sweeping) -> None:
    await pages(sweep, 1)
    await sweep.payments.world.connection.execute(
        "UPDATE sweep_windows SET until = now() - interval '1 hour'"
    )
    await sweep.member._gauges.report()
    assert 3600 <= PAYPAL_ROUND_AGE_SECONDS._value.get() < 3660
