"""A sweeps member killed between two steps: whoever follows goes on and finds what a whole sweep finds."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from consumers.sweeps.walk import FIRST
from state.postgres import sweeps
from tests.consumers.effects.stripe_side import stripe
from tests.consumers.sweeps.sweeping import Sweeping

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
