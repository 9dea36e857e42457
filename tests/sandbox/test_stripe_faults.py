"""The fault plan of the double: each kind, what the client sees of it and what was really done."""

import asyncio
import random
from typing import Any

import pytest
import stripe

from sandbox.stripe.client import Api
from sandbox.stripe.driver import Driver
from sandbox.stripe.faults import Kind, Plan, made

ADA = {"name": "Ada"}
CREATE = "POST /v1/customers"


def _created(double: Driver) -> int:
    return int(double.counters()["effects"].get(CREATE, 0))


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        ("error_500_before", 500, None),
        ("conflict_409", 409, "idempotency_key_in_use"),
        ("lock_timeout", 429, "lock_timeout"),
        ("rate_limit", 429, "rate_limit"),
    ],
)
async def test_an_answer_before_the_effect_leaves_none_and_the_key_free(
    api: Api, double: Driver, kind: str, status: int, code: str | None
) -> None:
    double.fault(kind)
    with pytest.raises(stripe.StripeError) as failed:
        await api.customers("create", ADA, key="k")
    body: Any = failed.value.json_body
    assert (failed.value.http_status, body["error"].get("code")) == (status, code)
    assert _created(double) == 0
    made_ = await api.customers("create", ADA, key="k")
    assert "idempotent-replayed" not in made_.last_response.headers
    assert _created(double) == 1


@pytest.mark.asyncio
@pytest.mark.parametrize("kind", ["reset_before", "reset_after_effect"])
async def test_a_reset_connection_is_no_answer(api: Api, double: Driver, kind: str) -> None:
    double.fault(kind)
    with pytest.raises(stripe.APIConnectionError):
        await api.customers("create", ADA, key="k")
    assert _created(double) == (1 if kind == "reset_after_effect" else 0)
    again = await api.customers("create", ADA, key="k")
    assert ("idempotent-replayed" in again.last_response.headers) == (kind == "reset_after_effect")
    assert _created(double) == 1


@pytest.mark.asyncio
@pytest.mark.parametrize("mode", ["sync", "async"])
@pytest.mark.parametrize("kind", ["timeout_before", "timeout_after_effect"])
async def test_a_timeout_is_silence_until_the_client_leaves(
    stripe_url: str, double: Driver, kind: str, mode: str
) -> None:
    hasty = Api(stripe_url, mode="sync" if mode == "sync" else "async", timeout=0.3)
    double.fault(kind)
    with pytest.raises(stripe.APIConnectionError):
        await hasty.customers("create", ADA, key="k")
    assert _created(double) == (1 if kind == "timeout_after_effect" else 0)
    assert double.requests(limit=1)[0]["status"] is None
    again = await hasty.customers("create", ADA, key="k")
    assert ("idempotent-replayed" in again.last_response.headers) == (kind == "timeout_after_effect")
    assert _created(double) == 1
    await hasty.close()


@pytest.mark.asyncio
async def test_a_timeout_ends_by_itself_for_a_patient_client(api: Api, double: Driver) -> None:
    double.fault("timeout_before", seconds=0.2)
    with pytest.raises(stripe.APIConnectionError):
        await api.customers("create", ADA)


@pytest.mark.asyncio
async def test_a_500_after_the_effect_hides_a_customer_that_exists(api: Api, double: Driver) -> None:
    double.fault("error_500_after_effect")
    with pytest.raises(stripe.APIError):
        await api.customers("create", ADA, key="k")
    assert [one["name"] for one in double.objects("customer")] == ["Ada"]


@pytest.mark.asyncio
async def test_a_stored_500_without_effect_blocks_the_key(api: Api, double: Driver) -> None:
    double.fault("error_500_stored")
    for _ in range(2):
        with pytest.raises(stripe.APIError):
            await api.customers("create", ADA, key="k")
    assert _created(double) == 0
    await api.customers("create", ADA, key="another")
    assert _created(double) == 1


@pytest.mark.asyncio
async def test_a_slow_request_is_done_even_when_its_client_has_left(stripe_url: str, double: Driver) -> None:
    hasty = Api(stripe_url, mode="async", timeout=0.2)
    double.fault("slow", seconds=0.6)
    with pytest.raises(stripe.APIConnectionError):
        await hasty.customers("create", ADA, key="k")
    assert _created(double) == 0
    while not _created(double):
        await asyncio.sleep(0.02)
    again = await hasty.customers("create", ADA, key="k")
    assert again.last_response.headers["idempotent-replayed"] == "true"
    await hasty.close()


@pytest.mark.asyncio
@pytest.mark.parametrize("kind", ["reset_before", "reset_after_effect", "error_500_before", "conflict_409"])
async def test_the_clients_own_retries_make_one_customer(stripe_url: str, double: Driver, kind: str) -> None:
    patient = Api(stripe_url, mode="async", max_network_retries=2)
    double.fault(kind, method="POST")
    await patient.customers("create", ADA)
    assert _created(double) == 1
    await patient.close()


@pytest.mark.asyncio
async def test_a_fault_concerns_only_its_method_and_path(api: Api, double: Driver) -> None:
    double.fault("error_500_before", method="get", path=r"/customers/cus_\w+$", times=None)
    made_ = await api.customers("create", ADA)
    await api.customers("list")
    await api.customers("update", made_.id, ADA)
    with pytest.raises(stripe.APIError):
        await api.customers("retrieve", made_.id)


@pytest.mark.asyncio
async def test_a_refused_stranger_meets_no_fault(stripe_url: str, double: Driver) -> None:
    stranger = Api(stripe_url, mode="async", api_key="sk_test_of_somebody_else")
    double.fault("error_500_before")
    with pytest.raises(stripe.AuthenticationError):
        await stranger.customers("create", ADA)
    assert double.faults()[0]["seen"] == 0
    await stranger.close()


def _struck(plan: Plan, count: int) -> list[int]:
    return [n for n in range(1, count + 1) if plan.strike("POST", "/v1/customers")]


def test_the_nth_request_is_struck_and_no_other() -> None:
    plan = Plan()
    plan.add(made({"kind": "slow", "nth": 3, "times": None}))
    assert _struck(plan, 10) == [3]


def test_a_fault_strikes_as_often_as_asked() -> None:
    plan = Plan()
    plan.add(made({"kind": "slow", "times": 2}))
    assert _struck(plan, 10) == [1, 2]


def test_faults_strike_in_the_order_they_were_added() -> None:
    plan = Plan()
    plan.add(made({"kind": "slow"}))
    plan.add(made({"kind": "rate_limit"}))
    kinds = [fault.kind if (fault := plan.strike("POST", "/")) else None for _ in range(3)]
    assert kinds == [Kind.SLOW, Kind.RATE_LIMIT, None]


def test_a_seed_makes_chance_repeatable() -> None:
    seed = random.Random().getrandbits(32)
    given = {"kind": "slow", "probability": 0.3, "seed": seed, "times": None}
    plans = [Plan(), Plan()]
    for plan in plans:
        plan.add(made(given))
    first, second = (_struck(plan, 300) for plan in plans)
    assert first == second
    assert 30 < len(first) < 160


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"kind": "flood"}, "kind is one of"),
        ({}, "kind is one of"),
        ({"kind": "slow", "colour": 1}, "unknown fields"),
        ({"kind": "slow", "nth": "3"}, "nth cannot be '3'"),
        ({"kind": "slow", "times": True}, "times cannot be True"),
        ({"kind": "slow", "path": "("}, "no regular expression"),
    ],
)
def test_a_fault_that_makes_no_sense_is_refused(given: dict[str, object], sentence: str) -> None:
    with pytest.raises((ValueError, TypeError), match=sentence):
        made(given)
