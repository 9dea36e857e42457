"""A full sweep comes to its end without Braintree: what Stripe shows is compared, and the next one can begin."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from consumers.sweeps.asking import Processors
from consumers.sweeps.sweeper import Sweeper
from consumers.sweeps.walk import FIRST
from sandbox.braintree.world import MERCHANT, PUBLIC_KEY
from state.braintree.client import Braintree, Credentials
from state.postgres import sweeps
from state.postgres.sweeps import Sweep
from state.redis.budget import Budget
from state.stripe.breaker import Breaker
from tests.braintree_double import NOWHERE, PLENTY
from tests.consumers.effects.stripe_side import stripe
from tests.consumers.sweeps.sweeping import ON_DEMAND, Sweeping

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="session")]
SHORT = replace(ON_DEMAND, poll=timedelta(seconds=0.02), patience=timedelta(seconds=0.3))


@asynccontextmanager
async def member(sweep: Sweeping, url: str, *, keys: bool = True) -> AsyncIterator[Sweeper]:
    """A member whose keys Braintree does not take, if it is there at all."""
    world = sweep.payments.world
    braintree = Braintree(
        Credentials(MERCHANT, PUBLIC_KEY, "another one", url),
        budget=Budget(world.redis, PLENTY, processor=f"test:without:{url}"),
        breaker=Breaker(),
        timeout=1.0,
    )
    processors = Processors(world.stripe, braintree, braintree_keys=keys)
    found = Sweeper(processors, dsn=world.stack.database_url, worker="test", settings=SHORT)
    try:
        yield found
    finally:
        await found.close()
        await braintree.close()


async def newest(sweep: Sweeping) -> Sweep:
    (found,) = await sweeps.newest(sweep.payments.world.connection, 1)
    return found


async def drifted(sweep: Sweeping) -> None:
    """A difference at Stripe, and a sweep that is to find it."""
    stripe(sweep.payments, f"/v1/customers/{(await sweep.payments.customer())['id']}", name="Eve")
    await sweeps.ask(sweep.payments.world.connection, FIRST)


@pytest.mark.parametrize("paypal", [False, True], ids=["nobody pays by PayPal", "somebody does"])
async def test_without_keys_its_phases_are_left_out(sweep: Sweeping, paypal: bool) -> None:
    if paypal:
        await sweep.payments.connects()
        await sweep.payments.world.settle()
    await drifted(sweep)
    asked = len(sweep.payments.vault.driver.requests())
    with capture_logs() as logs:
        async with member(sweep, sweep.payments.vault.url, keys=False) as keyless:
            while await keyless.sweep_on():
                pass
    assert (await newest(sweep)).state == "done"
    left_out = [one["phase"] for one in logs if one["event"] == "sweep_phase_left_out"]
    assert left_out == ["agreements", "vault"]
    looks = 1 if paypal else 0  # of the one account that is looked at closely
    assert len(sweep.payments.vault.driver.requests()) == asked + looks
    await sweep.settled()
    assert (await sweep.reported())["name"][1] == "Eve"


@pytest.mark.parametrize("away", [False, True], ids=["refuses the keys", "is away"])
async def test_a_phase_that_braintree_does_not_answer_is_given_up_after_some_tries(
    sweep: Sweeping, away: bool
) -> None:
    await drifted(sweep)
    failed = 0
    with capture_logs() as logs:
        async with member(sweep, NOWHERE if away else sweep.payments.vault.url) as refused:
            async with asyncio.timeout(60):
                while (await newest(sweep)).state == "running":
                    failed += not await refused.sweep_on() and (await newest(sweep)).state == "running"
    assert failed > 1, "it is tried again before it is given up"
    (given_up,) = [one for one in logs if one["event"] == "sweep_phase_given_up"]
    assert (given_up["phase"], given_up["log_level"]) == ("vault", "warning")
    await sweep.again()
    assert (await sweep.reported())["name"][1] == "Eve"
    assert await sweeps.ask(sweep.payments.world.connection, FIRST) is not None, "the next one can begin"
