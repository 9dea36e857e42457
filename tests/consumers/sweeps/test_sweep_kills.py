"""A sweeps member killed between two steps: whoever follows goes on and finds what a whole sweep finds."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from consumers.sweeps.walk import FIRST
from handlers.payment_effects import READ_SUBSCRIPTION
from state.postgres import sweeps
from state.stripe.subscriptions import RETRIEVE
from tests.consumers.effects.stripe_side import stripe, subscribed
from tests.consumers.sweeps.sweeping import Sweeping
from topics.payment_methods import ReconcileCollectionMethod

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="session")]
ROOT = Path(__file__).parents[3]


async def killed_at(sweep: Sweeping, point: str) -> None:
    """A member sweeps until it dies at this point."""
    world = sweep.payments.world
    environment = {
        **os.environ,
        "DATABASE_URL": world.stack.database_url,
        "REDIS_URL": world.stack.redis_url,
        "STRIPE_URL": world.double.url,
        "BRAINTREE_URL": sweep.payments.vault.url,
        "CRASH_AT": point,
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.consumers.sweeps.member", cwd=ROOT, env=environment
    )
    async with asyncio.timeout(60):
        assert await process.wait() == -signal.SIGKILL
    await world.connection.execute("UPDATE sweeps SET leased_until = now() - interval '1 second'")


@pytest.mark.parametrize("point", ["sweeps.looked:1", "sweeps.moved:1", "sweeps.looked:4", "sweeps.moved:5"])
async def test_killed_in_a_sweep(sweep: Sweeping, point: str) -> None:
    customer = (await sweep.payments.customer())["id"]
    stripe(sweep.payments, f"/v1/customers/{customer}", name="Eve")
    connection = sweep.payments.world.connection
    number = await sweeps.ask(connection, FIRST)
    await killed_at(sweep, point)
    while await sweep.member.sweep_on():
        pass
    (done,) = await sweeps.newest(connection, 1)
    assert (done.id, done.state) == (number, "done")
    await sweep.again()
    assert (await sweep.reported())["name"][1] == "Eve"


@pytest.mark.parametrize("point", ["sweeps.reading_noted:1", "sweeps.looked:2"])
async def test_killed_while_a_reading_is_owed(sweep: Sweeping, point: str) -> None:
    """What is owed and noted is both there or neither, so the object is read, and read once."""
    subscription = await mirrored_subscription(sweep)
    double = sweep.payments.world.double
    double.driver.change(subscription, silent=True, cancel_at_period_end=True)
    await sweep.everything()
    read = len(double.asked(RETRIEVE))
    await sweeps.ask(sweep.payments.world.connection, FIRST)
    await killed_at(sweep, point)
    noted = [one.read_asked_at is not None for one in await sweep.rows()]
    assert noted == [bool(await readings(sweep))]
    await sweep.payments.world.settle()
    for _ in range(2):
        await sweep.payments.world.connection.execute("UPDATE drift SET seen_at = now() - interval '1 day'")
        await sweep.again()
        await sweep.payments.world.settle()
    assert len(double.asked(RETRIEVE)) == read + 1
    assert [state for _, state in await readings(sweep)] == ["done"]


async def mirrored_subscription(sweep: Sweeping) -> str:
    """One that is known here as it is at Stripe; gives its id."""
    await sweep.payments.adds()
    await sweep.payments.world.settle()
    found = await subscribed(sweep.payments)
    await sweep.payments.ask(ReconcileCollectionMethod())
    await sweep.payments.world.settle()
    assert await sweep.found() == {}
    return found


async def readings(sweep: Sweeping) -> list[tuple[str, str]]:
    """The readings of subscriptions that looks have owed."""
    rows = await sweep.payments.world.connection.fetch(
        "SELECT id::text, state FROM effects WHERE kind = $1 AND urgency = 2", READ_SUBSCRIPTION
    )
    return [tuple(row) for row in rows]
