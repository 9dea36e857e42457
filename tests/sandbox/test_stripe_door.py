"""What the double asks of every request, and says in every answer: key, version, URL, ids, error bodies."""

from typing import Any

import httpx
import pytest
import stripe

from sandbox.stripe.client import Api
from sandbox.stripe.driver import Driver
from sandbox.stripe.world import API_VERSION


@pytest.mark.asyncio
async def test_every_answer_names_its_request_and_the_version(api: Api, double: Driver) -> None:
    made = await api.customers("create", {})
    assert made.last_response.request_id.startswith("req_")
    assert made.last_response.headers["stripe-version"] == API_VERSION
    assert double.requests(limit=1)[0]["request_id"] == made.last_response.request_id


def test_it_speaks_the_version_of_the_client() -> None:
    assert stripe.api_version == API_VERSION


@pytest.mark.asyncio
async def test_another_version_is_refused(api: Api) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="Invalid Stripe API version: 2019-01-01"):
        await api.customers("list", {}, {"stripe_version": "2019-01-01"})


@pytest.mark.asyncio
async def test_a_wrong_api_key_is_refused_and_not_repeated_in_full(stripe_url: str, double: Driver) -> None:
    stranger = Api(stripe_url, mode="async", api_key="sk_test_0123456789abcdef")
    with pytest.raises(stripe.AuthenticationError, match="Invalid API Key provided: sk_test_") as refused:
        await stranger.customers("list")
    await stranger.close()
    assert refused.value.http_status == 401
    assert "0123456789" not in str(refused.value)
    body: Any = refused.value.json_body
    assert body["error"].keys() == {"message", "type"}


def test_the_key_also_comes_as_a_user_name(raw: httpx.Client) -> None:
    del raw.headers["authorization"]
    assert raw.get("/v1/customers", auth=("sk_test_sandbox", "")).status_code == 200
    nobody = raw.get("/v1/customers")
    assert nobody.status_code == 401
    assert nobody.json()["error"]["message"].startswith("You did not provide an API key.")


def test_an_error_has_the_shape_of_stripes(raw: httpx.Client) -> None:
    answer = raw.get("/v1/customers/cus_none")
    error = answer.json()["error"]
    assert answer.json().keys() == {"error"}
    assert error.pop("request_log_url").startswith(
        f"https://dashboard.stripe.com/test/logs/{answer.headers['request-id']}?t="
    )
    assert error == {
        "code": "resource_missing",
        "doc_url": "https://stripe.com/docs/error-codes/resource-missing",
        "message": "No such customer: 'cus_none'",
        "param": "id",
        "type": "invalid_request_error",
    }


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/colours"),
        ("PUT", "/v1/customers"),
        ("GET", "/v1/customers/cus_1/colours"),
        ("POST", "/v1/customers//tax_ids"),
        ("GET", "/v2/core/accounts"),
        ("GET", "/v1"),
    ],
)
def test_an_unknown_url_is_not_recognized(raw: httpx.Client, method: str, path: str) -> None:
    answer = raw.request(method, path)
    assert answer.status_code == 404
    assert answer.json()["error"]["message"].startswith(
        f"Unrecognized request URL ({method}: {path}). Please see"
    )


def test_an_empty_id_gets_advice(raw: httpx.Client) -> None:
    message = raw.get("/v1/customers/").json()["error"]["message"]
    assert "make sure you passed a valid (non-empty) identifier" in message


def test_a_body_that_is_no_text_is_refused(raw: httpx.Client) -> None:
    for body in (b"name=\xff", b"name=%FF"):
        assert raw.post("/v1/customers", content=body).status_code == 400


def test_a_body_that_is_too_large_is_refused(raw: httpx.Client) -> None:
    assert raw.post("/v1/customers", content=b"name=" + b"a" * 1_100_000).status_code == 400
