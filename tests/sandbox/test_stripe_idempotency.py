"""Idempotency keys of the double, rule by rule as Stripe documents them."""

import asyncio
from typing import Any

import httpx
import pytest
import stripe

from sandbox.stripe.client import Api
from sandbox.stripe.driver import Driver

ADA = {"name": "Ada", "metadata": {"account_id": "1"}}
DAY = 24 * 3600


@pytest.mark.asyncio
async def test_the_same_request_again_gets_the_same_answer_and_does_nothing(api: Api, double: Driver) -> None:
    first = await api.customers("create", ADA, key="k")
    await api.customers("update", first.id, {"name": "changed since"})
    again = await api.customers("create", ADA, key="k")
    assert again.to_dict() == first.to_dict()
    assert again.last_response.headers["idempotent-replayed"] == "true"
    assert again.last_response.headers["original-request"] == first.last_response.request_id
    assert again.last_response.request_id != first.last_response.request_id
    assert "idempotent-replayed" not in first.last_response.headers
    assert double.counters()["effects"]["POST /v1/customers"] == 1


@pytest.mark.asyncio
async def test_the_order_of_the_parameters_does_not_matter(api: Api, double: Driver) -> None:
    first = await api.customers("create", {"name": "Ada", "email": "a@example.com"}, key="k")
    again = await api.customers("create", {"email": "a@example.com", "name": "Ada"}, key="k")
    assert again.id == first.id


@pytest.mark.asyncio
async def test_a_key_with_other_parameters_is_refused(api: Api, double: Driver) -> None:
    await api.customers("create", ADA, key="k")
    with pytest.raises(
        stripe.IdempotencyError, match="the same parameters they were first used with"
    ) as refused:
        await api.customers("create", {**ADA, "name": "Bob"}, key="k")
    assert refused.value.http_status == 400
    assert len(double.objects("customer")) == 1


@pytest.mark.asyncio
async def test_a_key_at_another_endpoint_is_refused(api: Api, double: Driver) -> None:
    made = await api.customers("create", ADA, key="k")
    words = rf"\('/v1/customers/{made.id}' vs '/v1/customers'\)"
    with pytest.raises(stripe.IdempotencyError, match=words):
        await api.customers("update", made.id, ADA, key="k")


@pytest.mark.asyncio
async def test_a_key_is_forgotten_after_a_day_of_the_servers_clock(api: Api, double: Driver) -> None:
    first = await api.customers("create", ADA, key="k")
    double.settings(clock_offset=DAY - 60)
    assert (await api.customers("create", ADA, key="k")).id == first.id
    double.settings(clock_offset=DAY + 60)
    assert (await api.customers("create", {"name": "Bob"}, key="k")).id != first.id
    assert len(double.objects("customer")) == 2


@pytest.mark.asyncio
async def test_a_key_is_in_use_until_its_first_request_has_ended(stripe_url: str, double: Driver) -> None:
    api = Api(stripe_url, mode="async")
    double.fault("slow", seconds=1)
    slow = asyncio.create_task(api.customers("create", ADA, key="k"))
    while not double.faults()[0]["fired"]:
        await asyncio.sleep(0.01)
    with pytest.raises(
        stripe.APIError, match="another in-progress request using this Idempotent Key"
    ) as refused:
        await api.customers("create", ADA, key="k")
    body: Any = refused.value.json_body
    assert (refused.value.http_status, body["error"]["code"]) == (409, "idempotency_key_in_use")
    made = await slow
    assert (await api.customers("create", ADA, key="k")).id == made.id
    await api.close()


@pytest.mark.asyncio
async def test_the_clients_own_retries_wait_for_a_key_in_use(stripe_url: str, double: Driver) -> None:
    api = Api(stripe_url, mode="async", max_network_retries=5)
    double.fault("slow", seconds=0.5)
    both = await asyncio.gather(*(api.customers("create", ADA, key="k") for _ in range(2)))
    assert both[0].id == both[1].id
    assert len(double.objects("customer")) == 1
    await api.close()


@pytest.mark.asyncio
async def test_an_error_found_while_executing_is_replayed(api: Api, double: Driver) -> None:
    customer = await api.customers("create", {})
    wrong = {"type": "eu_vat", "value": "nonsense"}
    seen = []
    for _ in range(2):
        with pytest.raises(stripe.InvalidRequestError, match="Invalid value for eu_vat") as refused:
            await api.tax_ids("create", customer.id, wrong, key="k")
        seen.append(((refused.value.headers or {}).get("idempotent-replayed"), refused.value.json_body))
    (first, body), (second, same_body) = seen
    assert (first, second) == (None, "true")
    assert same_body == body


@pytest.mark.asyncio
async def test_a_missing_customer_stays_missing_for_its_key(api: Api) -> None:
    for _ in range(2):
        with pytest.raises(stripe.InvalidRequestError, match="No such customer") as refused:
            await api.customers("update", "cus_none", {"name": "A"}, key="k")
    assert (refused.value.headers or {})["idempotent-replayed"] == "true"


@pytest.mark.asyncio
@pytest.mark.parametrize("wrong", [{"colour": "red"}, {"email": "nobody"}, {"metadata": {"k" * 41: "v"}}])
async def test_parameters_that_cannot_be_read_leave_the_key_free(api: Api, wrong: dict[str, Any]) -> None:
    with pytest.raises(stripe.InvalidRequestError):
        await api.customers("create", wrong, key="k")
    made = await api.customers("create", ADA, key="k")
    assert "idempotent-replayed" not in made.last_response.headers


@pytest.mark.asyncio
async def test_a_refused_api_key_leaves_the_key_free(api: Api, stripe_url: str) -> None:
    stranger = Api(stripe_url, mode="async", api_key="sk_test_of_somebody_else")
    with pytest.raises(stripe.AuthenticationError):
        await stranger.customers("create", ADA, key="k")
    await stranger.close()
    assert (await api.customers("create", ADA, key="k")).name == "Ada"


@pytest.mark.asyncio
async def test_a_rate_limited_request_leaves_the_key_free(api: Api, double: Driver) -> None:
    double.settings(limits={"endpoint": 0.001})
    await api.customers("create", ADA, key="first")
    with pytest.raises(stripe.RateLimitError):
        await api.customers("create", ADA, key="k")
    double.unlimited()
    made = await api.customers("create", ADA, key="k")
    assert "idempotent-replayed" not in made.last_response.headers


@pytest.mark.asyncio
async def test_a_stored_500_is_replayed_for_ever(api: Api, double: Driver) -> None:
    double.fault("error_500_after_effect")
    bodies = []
    for _ in range(3):
        with pytest.raises(stripe.APIError) as failed:
            await api.customers("create", ADA, key="k")
        assert failed.value.http_status == 500
        assert (failed.value.headers or {})["stripe-should-retry"] == "false"
        bodies.append(failed.value.http_body)
    assert len(set(bodies)) == 1
    assert len(double.objects("customer")) == 1


def test_a_key_has_at_most_255_characters(raw: httpx.Client) -> None:
    at_most = raw.post("/v1/customers", headers={"Idempotency-Key": "k" * 255})
    too_long = raw.post("/v1/customers", headers={"Idempotency-Key": "k" * 256})
    assert (at_most.status_code, too_long.status_code) == (200, 400)
    assert "at most 255 characters" in too_long.json()["error"]["message"]


def test_only_posts_have_keys(raw: httpx.Client) -> None:
    key = {"Idempotency-Key": "k"}
    id_ = raw.post("/v1/customers").json()["id"]
    assert raw.get("/v1/customers", headers=key).status_code == 200
    assert raw.delete(f"/v1/customers/{id_}", headers=key).status_code == 200
    assert raw.post("/v1/customers", headers=key).status_code == 200
