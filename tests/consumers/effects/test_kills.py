"""A member killed between any two of its steps leaves one customer that agrees, and no other."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from tests.braintree_double import NOWHERE
from tests.consumers.effects.world import World
from topics.accounts import EraseAccount
from topics.stripe_customers import LinkStripeCustomer

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="session")]
ROOT = Path(__file__).parents[3]
BERLIN = {"country": "DE", "zipcode": "10115", "state": "", "city": "Berlin", "telephone": ""}

WHILE_CREATING = (
    "effects.claimed",
    "stripe.reserved",
    "stripe.made",
    "stripe.made_noted",
    "stripe.in_doubt",
    "stripe.updated",
    "stripe.tax_id_created",
    "stripe.noted",
    "effects.performed",
    "effects.finished",
    "effects.before_commit",
    "effects.committed",
)
WHILE_UPDATING = (
    "effects.claimed",
    "stripe.in_doubt",
    "stripe.updated",
    "stripe.tax_id_created",
    "stripe.tax_id_deleted",
    "stripe.noted",
    "effects.finished",
    "effects.before_commit",
    "effects.committed",
)


async def killed_at(world: World, point: str, *, braintree: str = NOWHERE) -> None:
    """A member works until it dies at this point."""
    environment = {
        **os.environ,
        "DATABASE_URL": world.stack.database_url,
        "REDIS_URL": world.stack.redis_url,
        "STRIPE_URL": world.double.url,
        "BRAINTREE_URL": braintree,
        "CRASH_AT": point,
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.consumers.effects.member", cwd=ROOT, env=environment
    )
    async with asyncio.timeout(60):
        assert await process.wait() == -signal.SIGKILL
    await world.leases_run_out()


async def agreed(world: World, account: str, **expected: str) -> None:
    """Stripe holds one customer of the account, linked, up to date, and nobody else's."""
    customer = world.only_customer(account)
    assert (await world.link(account)).customer_id == customer["id"]
    assert (await world.sync_state(account)).state == "synced"
    assert {name: customer[name] for name in expected} == expected
    assert len([one for one in world.double.driver.objects("customer") if not one.get("deleted")]) == 1


@pytest.mark.parametrize("point", WHILE_CREATING)
async def test_killed_while_a_customer_is_made(world: World, point: str) -> None:
    account = await world.account()
    await world.profile(account, **BERLIN, vat="DE136695976")
    await killed_at(world, point)
    await world.profile(account, **BERLIN, vat="DE129273398", billing_email="new@example.com")
    await world.settle()
    await agreed(world, account, email="new@example.com")
    assert world.only_customer(account)["tax_ids"] == [("eu_vat", "DE129273398")]


@pytest.mark.parametrize("point", WHILE_UPDATING)
async def test_killed_while_a_customer_is_updated(world: World, point: str) -> None:
    account = await world.account()
    await world.profile(account, **BERLIN, vat="DE136695976")
    await world.settle()
    await world.profile(account, **BERLIN, vat="DE129273398", billing_email="new@example.com")
    await killed_at(world, point)
    await world.settle()
    await agreed(world, account, email="new@example.com")
    assert world.only_customer(account)["tax_ids"] == [("eu_vat", "DE129273398")]


@pytest.mark.parametrize("point", ["stripe.in_doubt", "stripe.updated", "stripe.noted", "effects.committed"])
async def test_a_change_taken_back_after_a_kill_is_taken_back_at_stripe_too(world: World, point: str) -> None:
    account = await world.customer_of_ada()
    await world.settle()
    await world.profile(account, city="Elsewhere")
    await killed_at(world, point)
    await world.profile(account)
    await world.settle()
    await agreed(world, account)
    assert world.only_customer(account)["address"]["city"] == "San Francisco"


@pytest.mark.parametrize(
    "point", ["stripe.reserved", "stripe.made", "stripe.made_noted", "effects.committed"]
)
async def test_a_customer_made_for_an_account_that_was_linked_meanwhile_is_discarded(
    world: World, point: str
) -> None:
    customer_id = await world.free_customer()
    account = await world.customer_of_ada()
    await killed_at(world, point)
    await world.say(account, LinkStripeCustomer(customer_id=customer_id))
    await world.settle()
    await agreed(world, account)
    assert (await world.link(account)).customer_id == customer_id


@pytest.mark.parametrize("point", ["stripe.reserved", "stripe.made", "stripe.updated"])
async def test_an_erasure_after_a_kill_leaves_nothing_about_the_person(world: World, point: str) -> None:
    account = await world.customer_of_ada()
    await killed_at(world, point)
    await world.say(account, EraseAccount(reason="asked for"))
    await world.settle()
    for customer in world.customers(account):
        assert (customer["name"], customer["email"]) == (None, None)
        assert not any((customer["address"] or {}).values())
