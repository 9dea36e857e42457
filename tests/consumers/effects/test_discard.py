"""A customer that belongs to nobody is deleted, and no other."""

from typing import Any

import orjson
import pytest
from uuid6 import uuid7

from handlers.stripe_customers import DISCARD_EFFECT, STRIPE
from state.postgres import effects
from state.postgres.effects import EffectRow
from tests.consumers.effects.test_kills import killed_at
from tests.consumers.effects.world import World

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="session")]


async def owe(world: World, account: str, customer_id: str) -> None:
    """Owe it."""
    payload = orjson.dumps({"customer_id": customer_id}).decode()
    row = EffectRow(account, uuid7(), DISCARD_EFFECT, STRIPE, f"discard:{customer_id}", payload)
    await effects.add(world.connection, [row])


async def discard(world: World, account: str, customer_id: str) -> dict[str, object]:
    """Owe and perform it; gives the effect."""
    await owe(world, account, customer_id)
    await world.settle()
    return (await world.effect_rows(account))[-1]


async def orphan(world: World) -> tuple[str, str]:
    """An account and a customer that was made for it and is linked to nobody."""
    account = await world.customer_of_ada()
    await world.settle()
    customer_id = str(world.only_customer(account)["id"])
    await world.connection.execute("DELETE FROM stripe_customers WHERE account_id = $1", account)
    return account, customer_id


async def test_a_customer_of_nobody_is_deleted(world: World) -> None:
    account, customer_id = await orphan(world)
    assert (await discard(world, account, customer_id))["state"] == "done"
    assert world.customers(account) == []


async def test_one_that_is_gone_already_is_no_trouble(world: World) -> None:
    account, customer_id = await orphan(world)
    world.double.driver.delete(customer_id)
    assert (await discard(world, account, customer_id))["state"] == "done"
    assert (await discard(world, account, "cus_unknown"))["state"] == "done"


async def test_one_that_an_account_is_linked_to_stays(world: World) -> None:
    account = await world.customer_of_ada()
    await world.settle()
    assert (await discard(world, account, world.only_customer(account)["id"]))["state"] == "done"
    assert len(world.customers(account)) == 1


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"metadata": {"account_id": "b" * 32}}, "not made for this account"),
        ({"balance": -500}, "has a payment method or a balance"),
        ({"invoice_settings": {"default_payment_method": "pm_1"}}, "has a payment method or a balance"),
    ],
)
async def test_one_that_may_be_somebodys_is_left_to_support(
    world: World, change: dict[str, Any], reason: str
) -> None:
    account, customer_id = await orphan(world)
    world.double.driver.change(customer_id, **change)
    effect = await discard(world, account, customer_id)
    assert effect["state"] == "failed"
    assert reason in str(effect["last_error"])
    assert customer_id in {one["id"] for one in world.double.driver.objects("customer")}


async def test_killed_after_the_customer_is_deleted(world: World) -> None:
    account, customer_id = await orphan(world)
    await owe(world, account, customer_id)
    await killed_at(world, "stripe.discarded")
    assert world.customers(account) == []
    await world.settle()
    assert (await world.effect_rows(account))[-1]["state"] == "done"
    assert world.customers(account) == []
