"""Subscriptions, products, prices, events and webhook endpoints of the double beside Stripe's own stripe-mock."""

import httpx
import pytest

from sandbox.stripe import event_api, prices, products, subscriptions, webhook_endpoints
from sandbox.stripe.driver import Driver
from sandbox.stripe.mock import Mock
from tests.sandbox.conformance import Shape, assert_conforms

SUBSCRIPTION = {
    "customer": "{customer}",
    "items[0][price]": "{price}",
    "items[0][quantity]": "2",
    "collection_method": "send_invoice",
    "days_until_due": "30",
    "metadata[zone]": "example.com",
}
CHANGE = {
    "items[0][id]": "{item}",
    "items[0][quantity]": "5",
    "cancel_at_period_end": "true",
    "proration_behavior": "none",
    "payment_behavior": "allow_incomplete",
    "description": "",
    "metadata": "",
}
CREATE_SUBSCRIPTION, ONE = "/v1/subscriptions", "/v1/subscriptions/{subscription_exposed_id}"
ENDPOINTS, ENDPOINT = "/v1/webhook_endpoints", "/v1/webhook_endpoints/{webhook_endpoint}"
SHAPES: list[Shape] = [
    ("POST", CREATE_SUBSCRIPTION, SUBSCRIPTION),
    ("POST", CREATE_SUBSCRIPTION, {**SUBSCRIPTION, "trial_period_days": "14", "cancel_at": "4000000000"}),
    ("POST", ONE, CHANGE),
    ("POST", ONE, {"collection_method": "charge_automatically", "trial_end": "now"}),
    ("POST", ONE, {"pause_collection[behavior]": "void", "expand[0]": "customer"}),
    ("GET", ONE, {"expand[0]": "customer", "expand[1]": "default_payment_method"}),
    (
        "GET",
        CREATE_SUBSCRIPTION,
        {"customer": "{customer}", "status": "all", "limit": "3", "created[gte]": "1", "price": "{price}"},
    ),
    ("GET", CREATE_SUBSCRIPTION, {"collection_method": "send_invoice", "expand[0]": "data.customer"}),
    ("DELETE", ONE, {"invoice_now": "false", "prorate": "true", "cancellation_details[comment]": "moved"}),
    ("POST", "/v1/products", {"name": "Pro", "description": "Plan", "metadata[a]": "b", "active": "true"}),
    ("GET", "/v1/products", {"active": "true", "limit": "1"}),
    ("GET", "/v1/products/{id}", {}),
    (
        "POST",
        "/v1/prices",
        {"currency": "eur", "unit_amount": "500", "product_data[name]": "Pro", "recurring[interval]": "year"},
    ),
    ("POST", "/v1/prices", {"currency": "usd", "unit_amount": "0", "product": "{id}", "nickname": "once"}),
    ("GET", "/v1/prices", {"product": "{id}", "type": "recurring", "currency": "usd", "active": "true"}),
    ("GET", "/v1/prices/{price}", {}),
    ("GET", "/v1/events", {"type": "customer.created", "delivery_success": "true", "created[gt]": "5"}),
    ("GET", "/v1/events", {"types[0]": "customer.created", "types[1]": "price.created", "limit": "2"}),
    ("GET", "/v1/events/{event}", {}),
    (
        "POST",
        ENDPOINTS,
        {
            "url": "http://127.0.0.1:9/hook",
            "enabled_events[0]": "customer.subscription.updated",
            "api_version": "2026-10-28.endive",
            "description": "ours",
        },
    ),
    ("POST", ENDPOINT, {"enabled_events[0]": "*", "disabled": "true", "url": "https://example.com/hook"}),
    ("GET", ENDPOINTS, {"limit": "5"}),
    ("GET", ENDPOINT, {}),
    ("DELETE", ENDPOINT, {}),
]
RESOURCES = (event_api, prices, products, subscriptions, webhook_endpoints)


@pytest.fixture
def ids(raw: httpx.Client) -> dict[str, str]:
    """What the paths name: a customer with a subscription and all that belongs to it, an event, an endpoint."""
    endpoint = raw.post(ENDPOINTS, data={"url": "http://127.0.0.1:9/h", "enabled_events[0]": "file.created"})
    customer = raw.post("/v1/customers", data={"email": "ada@example.com"}).json()["id"]
    priced = {"currency": "usd", "unit_amount": "2000", "recurring[interval]": "month"}
    price = raw.post("/v1/prices", data={**priced, "product_data[name]": "Pro"}).json()
    made = {"customer": customer, "items[0][price]": price["id"], "trial_period_days": "30"}
    subscription = raw.post(CREATE_SUBSCRIPTION, data=made).json()
    return {
        "{customer}": customer,
        "{price}": price["id"],
        "{id}": price["product"],
        "{subscription_exposed_id}": subscription["id"],
        "{item}": subscription["items"]["data"][0]["id"],
        "{event}": raw.get("/v1/events").json()["data"][0]["id"],
        "{webhook_endpoint}": endpoint.json()["id"],
    }


@pytest.mark.parametrize("shape", SHAPES)
def test_a_request_the_double_serves_is_one_of_stripes_and_has_all_fields_of_its_answer(
    raw: httpx.Client, double: Driver, stripe_mock: Mock, ids: dict[str, str], shape: Shape
) -> None:
    if shape[1] == ENDPOINTS and shape[0] == "POST":
        # stripe-mock's OpenAPI is of an earlier version, whose name its enumeration ends with.
        shape = (*shape[:2], {name: value for name, value in shape[2].items() if name != "api_version"})
    assert_conforms(raw, double, stripe_mock, shape, ids)


def test_every_endpoint_of_these_is_compared() -> None:
    compared = {f"{method} {path}".replace("{event}", "{id}") for method, path, _ in SHAPES}
    assert compared == {endpoint.name for resource in RESOURCES for endpoint in resource.ENDPOINTS}


@pytest.mark.parametrize(
    ("method", "path", "form"),
    [
        ("POST", "/v1/subscriptions", "items[0][price]=price_1&colour=red"),
        ("POST", "/v1/subscriptions", "customer=cus_1&collection_method=carrier_pigeon"),
        ("POST", "/v1/webhook_endpoints", "url=https%3A%2F%2Fexample.com"),
        ("POST", "/v1/prices", "unit_amount=5"),
        ("POST", "/v1/products", "active=true"),
        ("GET", "/v1/events", "colour=red"),
        ("GET", "/v1/subscriptions", "status=maybe"),
    ],
)
def test_what_stripe_does_not_know_is_not_accepted_by_either(
    raw: httpx.Client, stripe_mock: Mock, method: str, path: str, form: str
) -> None:
    with pytest.raises(AssertionError, match="stripe-mock: "):
        stripe_mock.assert_accepted(method, path, form)
    query = f"?{form}" if method == "GET" else ""
    answer = raw.request(method, path + query, content=None if method == "GET" else form)
    assert answer.status_code == 400
