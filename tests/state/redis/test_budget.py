"""The shared budget of requests, in the real Redis and without one."""

import asyncio
from uuid import uuid4

import pytest
from prometheus_client import REGISTRY
from redis.asyncio import Redis

from state.redis.budget import Budget, Limits, Priority
from state.redis.connection import connect

pytestmark = pytest.mark.asyncio(loop_scope="session")
CREATE = "POST /v1/customers"
UPDATE = "POST /v1/customers/{customer}"
GONE = "redis://127.0.0.1:1/0"


def budget_of(redis: Redis, limits: Limits, **options: float) -> Budget:
    """A budget that no other test shares."""
    return Budget(redis, limits, processor=f"test-{uuid4()}", **options)


async def granted(budget: Budget, endpoint: str = CREATE, priority: Priority = Priority.CUSTOMER) -> int:
    """How many requests may go at once."""
    count = 0
    while await budget.ask(endpoint, priority) == 0:
        count += 1
    return count


def waits(processor: str, priority: str) -> float | None:
    """How many waits are on record; None when there is no such series."""
    labels = {"processor": processor, "priority": priority}
    return REGISTRY.get_sample_value("billing_budget_wait_seconds_count", labels)


@pytest.mark.stack
async def test_a_burst_gets_a_fifth_of_the_limit_so_that_no_second_exceeds_it(redis: Redis) -> None:
    slow = budget_of(redis, Limits(account=1000, endpoint=25))
    assert await granted(slow) in (5, 6)


@pytest.mark.stack
async def test_one_endpoint_does_not_use_up_what_another_may_have(redis: Redis) -> None:
    budget = budget_of(redis, Limits(account=1000, endpoint=25))
    await granted(budget, CREATE)
    assert await granted(budget, UPDATE) in (5, 6)


@pytest.mark.stack
async def test_all_endpoints_together_keep_to_the_limit_of_the_account(redis: Redis) -> None:
    budget = budget_of(redis, Limits(account=20, endpoint=1000))
    total = sum([await granted(budget, f"endpoint-{n}") for n in range(5)])
    assert total in (4, 5)


@pytest.mark.stack
async def test_two_processes_share_one_budget(redis: Redis, stack: object) -> None:
    limits, name = Limits(account=1000, endpoint=25), f"test-{uuid4()}"
    first, second = Budget(redis, limits, processor=name), Budget(redis, limits, processor=name)
    assert await granted(first) + await granted(second) in (5, 6)


@pytest.mark.stack
async def test_customers_come_first_at_a_limit_of_one_too(redis: Redis) -> None:
    budget = budget_of(redis, Limits(account=1000, endpoint=1))
    assert await granted(budget) == 1
    waits = [await budget.ask(CREATE, one) for one in Priority]
    assert waits == sorted(waits)
    assert waits[0] + 0.03 < waits[2]


@pytest.mark.stack
async def test_a_sweep_leaves_room_for_webhooks_and_both_for_customers(redis: Redis) -> None:
    budget = budget_of(redis, Limits(account=1000, endpoint=100))
    sweep = await granted(budget, priority=Priority.SWEEP)
    webhook = await granted(budget, priority=Priority.WEBHOOK)
    customer = await granted(budget, priority=Priority.CUSTOMER)
    assert 9 <= sweep <= 12
    assert 4 <= webhook <= 7
    assert 4 <= customer <= 7


@pytest.mark.stack
async def test_after_a_429_everybody_goes_at_half_the_pace(redis: Redis) -> None:
    limits, name = Limits(account=1000, endpoint=25), f"test-{uuid4()}"
    first, second = Budget(redis, limits, processor=name), Budget(redis, limits, processor=name)
    await granted(first)
    full = await first.ask(CREATE, Priority.CUSTOMER)
    await first.slow_down(CREATE)
    await first.slow_down(CREATE)
    half = await second.ask(CREATE, Priority.CUSTOMER)
    assert 0 < full <= 0.05
    assert 0.05 < half <= 0.1  # longer than any wait at the full pace


@pytest.mark.stack
async def test_a_waiting_request_goes_when_its_turn_comes(redis: Redis) -> None:
    budget = budget_of(redis, Limits(account=1000, endpoint=50))
    await asyncio.gather(*(budget.take(CREATE, Priority.CUSTOMER) for _ in range(25)))
    assert await budget.ask(CREATE, Priority.CUSTOMER) > 0


@pytest.mark.stack
async def test_what_is_waited_for_is_told_by_processor_and_priority(redis: Redis) -> None:
    stripe, braintree = f"test-{uuid4()}", f"test-{uuid4()}"
    limits = Limits(account=1000, endpoint=1000)
    await Budget(redis, limits, processor=stripe).take(CREATE, Priority.CUSTOMER)
    for _ in range(2):
        await Budget(redis, limits, processor=braintree).take(CREATE, Priority.SWEEP)
    assert [waits(stripe, "customer"), waits(stripe, "sweep")] == [1, None]
    assert [waits(braintree, "customer"), waits(braintree, "sweep")] == [None, 2]


async def test_without_redis_a_process_keeps_to_its_share() -> None:
    redis = connect(GONE)
    budget = budget_of(redis, Limits(account=1000, endpoint=100), local_share=0.25)
    assert await granted(budget) in (5, 6)
    await budget.slow_down(None)
    assert await budget.ask(CREATE, Priority.CUSTOMER) > 0
    await redis.aclose()
