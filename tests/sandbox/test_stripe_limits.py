"""Rate limits of the double: Stripe's numbers, Stripe's answer, and a bucket that refills."""

from typing import Any

import pytest
import stripe

from sandbox.stripe.client import Api
from sandbox.stripe.driver import Driver
from sandbox.stripe.limits import Limiter, Limits


def test_an_account_has_stripes_limits_by_default(double: Driver) -> None:
    double.reset()
    assert double.settings()["limits"] == {
        "account": 100,
        "endpoint": 25,
        "endpoints": {"GET /v1/customers/search": 20},
    }


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("limits", "reason"), [({"endpoint": 0.001}, "endpoint-rate"), ({"account": 0.001}, "global-rate")]
)
async def test_a_limited_request_is_told_which_limit_it_met(
    api: Api, double: Driver, limits: dict[str, float], reason: str
) -> None:
    double.settings(limits=limits)
    await api.customers("create", {})
    with pytest.raises(stripe.RateLimitError, match="Request rate limit exceeded") as refused:
        await api.customers("create", {})
    body: Any = refused.value.json_body
    assert (refused.value.http_status, body["error"]["code"]) == (429, "rate_limit")
    headers = refused.value.headers or {}
    assert headers["stripe-rate-limited-reason"] == reason
    assert "retry-after" not in headers
    assert len(double.objects("customer")) == 1


@pytest.mark.asyncio
async def test_an_endpoint_is_limited_on_its_own(api: Api, double: Driver) -> None:
    double.settings(limits={"endpoint": 0.001})
    made = await api.customers("create", {})
    await api.customers("retrieve", made.id)
    await api.customers("update", made.id, {"name": "A"})


@pytest.mark.asyncio
async def test_all_customers_share_the_limit_of_their_endpoint(api: Api, double: Driver) -> None:
    first, second = await api.customers("create", {}), await api.customers("create", {})
    double.settings(limits={"endpoint": 0.001})
    await api.customers("retrieve", first.id)
    with pytest.raises(stripe.RateLimitError):
        await api.customers("retrieve", second.id)


def test_a_second_lets_a_seconds_worth_through() -> None:
    limiter = Limiter(Limits(account=100, endpoint=25))
    first = [limiter.refuses("GET /v1/customers", 0.0) for _ in range(30)]
    later = [limiter.refuses("GET /v1/customers", 0.2) for _ in range(10)]
    assert first.count(None) == 25
    assert first[25:] == ["endpoint-rate"] * 5
    assert later.count(None) == 5


def test_what_one_limit_refuses_costs_the_other_nothing() -> None:
    limiter = Limiter(Limits(account=30, endpoint=10, endpoints={}))
    for endpoint in ("a", "b", "c", "d"):
        allowed = [limiter.refuses(endpoint, 0.0) for _ in range(50)].count(None)
        assert allowed == (0 if endpoint == "d" else 10)


def test_search_has_its_own_limit_and_zero_is_none() -> None:
    search = "GET /v1/customers/search"
    assert Limits().of(search) == 20
    assert Limits(endpoint=0).of(search) == 0
    assert Limits(endpoints={search: 50}).of(search) == 50
    limiter = Limiter(Limits(account=0, endpoint=0))
    assert {limiter.refuses(search, 0.0) for _ in range(1000)} == {None}
