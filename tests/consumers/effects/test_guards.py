"""Limits, absent stores and zombies: the work gets done, later and once."""

import asyncio

import pytest
from redis.asyncio import Redis

from consumers.performers.stripe_sync import sync_customer
from consumers.performing import Outcome, Performer, Work
from consumers.sync_effect import SYNC_EFFECT
from state.redis.budget import Limits
from state.redis.connection import connect
from tests.consumers.effects.world import World, until
from tests.stripe_double import stripe_at

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="session")]


async def agree(world: World, accounts: list[str]) -> None:
    for account in accounts:
        assert (await world.sync_state(account)).state == "synced"
        assert (await world.link(account)).customer_id == world.only_customer(account)["id"]
    assert len(world.double.driver.objects("customer")) == len(accounts)


async def many(world: World, count: int) -> list[str]:
    return [await world.customer_of_ada() for _ in range(count)]


async def test_a_storm_of_429_loses_nothing_and_makes_nothing_twice(world: World) -> None:
    accounts = await many(world, 8)
    world.double.driver.fault("rate_limit", times=12, probability=0.5, seed=1)
    world.double.driver.fault("lock_timeout", times=6, probability=0.5, seed=2)
    await world.settle()
    await agree(world, accounts)
    attempts = [row["attempts"] for account in accounts for row in await world.effect_rows(account)]
    assert max(attempts) == 1


async def test_within_the_budget_stripe_never_has_to_say_429(world: World, redis: Redis) -> None:
    world.double.driver.settings(limits={"account": 20, "endpoint": 10, "endpoints": {}})
    accounts = await many(world, 12)
    own, world.stripe = world.stripe, stripe_at(world.double.url, redis, limits=Limits(20, 10))
    try:
        await world.settle()
    finally:
        await world.stripe.close()
        world.stripe = own
    await agree(world, accounts)
    assert world.double.driver.requests(status=429) == []


async def test_without_redis_stripe_is_kept_in_step_all_the_same(world: World) -> None:
    accounts = await many(world, 3)
    gone = connect("redis://127.0.0.1:1/0")
    own, world.stripe = world.stripe, stripe_at(world.double.url, gone)
    try:
        await world.settle()
    finally:
        await world.stripe.close()
        await gone.aclose()
        world.stripe = own
    await agree(world, accounts)


async def test_a_zombie_that_wrote_over_its_successor_is_corrected(world: World) -> None:
    """Stopped after its update was sent, woken when another had taken over and sent a newer one."""
    account = await world.customer_of_ada()
    await world.settle()
    stopped, wake = asyncio.Event(), asyncio.Event()
    send = world.stripe.sdk.v1.customers.update_async

    async def late(customer_id: str, params: dict[str, object], options: object) -> object:
        stopped.set()
        await wake.wait()
        return await send(customer_id, params, options)  # type: ignore[arg-type]

    await world.profile(account, city="Old")
    zombie = stripe_at(world.double.url, world.redis)
    zombie.sdk.v1.customers.update_async = late  # type: ignore[method-assign, assignment]
    first: list[Work] = []

    async def by_a_zombie_first(work: Work) -> Outcome:
        first.append(work)
        return await sync_customer(zombie if len(first) == 1 else world.stripe, work)

    async with world.member({SYNC_EFFECT: Performer(by_a_zombie_first)}):
        await stopped.wait()
        await world.leases_run_out()
        await world.profile(account, city="New")
        await until(world.nothing_due)
        assert world.only_customer(account)["address"]["city"] == "New"
        wake.set()
        await until(lambda: _asked(first, 3))
        await until(world.nothing_due)
    await zombie.close()
    await world.settle()
    assert world.only_customer(account)["address"]["city"] == "New"
    assert (await world.sync_state(account)).state == "synced"


async def _asked(found: list[Work], times: int) -> bool:
    return len(found) >= times


async def test_facts_that_are_late_do_not_lead_to_a_second_customer(world: World) -> None:
    """The account learns of its customer through a fact; until then only the effects member knows of it."""
    account = await world.customer_of_ada()
    async with world.member():
        await until(world.nothing_due)
    waiting = await world.connection.fetch("DELETE FROM outbox RETURNING topic, key, headers, body, shard")
    assert (await world.link(account)).customer_id is None
    await world.profile(account, city="Elsewhere")
    async with world.member():
        await until(world.nothing_due)
    assert world.only_customer(account)["address"]["city"] == "Elsewhere"
    await world.connection.executemany(
        "INSERT INTO outbox (topic, key, headers, body, shard) VALUES ($1, $2, $3, $4, $5)",
        [tuple(row) for row in waiting],
    )
    await world.settle()
    await agree(world, [account])


async def test_facts_that_are_late_do_not_hide_a_change_that_was_taken_back(world: World) -> None:
    account = await world.customer_of_ada()
    await world.settle()
    await world.profile(account, city="Elsewhere")
    async with world.member():
        await until(world.nothing_due)
    await world.connection.execute("DELETE FROM outbox WHERE topic = 'billing.facts.v1'")
    await world.profile(account)
    await world.settle()
    assert world.only_customer(account)["address"]["city"] == "San Francisco"
    assert (await world.sync_state(account)).state == "synced"
