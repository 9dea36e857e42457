"""Payment methods and setup intents of the double beside Stripe's own stripe-mock."""

import httpx
import pytest

from sandbox.stripe import payment_methods, setup_intents
from sandbox.stripe.driver import Driver
from sandbox.stripe.mock import Mock
from tests.sandbox.conformance import Shape, assert_conforms

METHODS, METHOD = "/v1/payment_methods", "/v1/payment_methods/{payment_method}"
INTENTS, INTENT = "/v1/setup_intents", "/v1/setup_intents/{intent}"
OF = "/v1/customers/{customer}/payment_methods"
BILLING = {
    "billing_details[name]": "Ada",
    "billing_details[email]": "ada@example.com",
    "billing_details[address][country]": "GB",
    "metadata[account_id]": "a",
}
SHAPES: list[Shape] = [
    (
        "POST",
        METHODS,
        {
            "type": "card",
            "card[number]": "4242424242424242",
            "card[exp_month]": "4",
            "card[exp_year]": "2031",
            "card[cvc]": "314",
            **BILLING,
        },
    ),
    ("POST", METHODS, {"type": "card", "card[token]": "tok_visa"}),
    (
        "POST",
        METHODS,
        {
            "type": "us_bank_account",
            "us_bank_account[account_number]": "000123456789",
            "us_bank_account[routing_number]": "110000000",
            "us_bank_account[account_holder_type]": "individual",
            "us_bank_account[account_type]": "checking",
        },
    ),
    ("POST", METHODS, {"type": "sepa_debit", "sepa_debit[iban]": "DE89370400440532013000"}),
    ("GET", METHODS, {"customer": "{customer}", "type": "card", "limit": "3"}),
    ("GET", METHOD, {}),
    ("POST", METHOD, {**BILLING, "card[exp_month]": "5", "card[exp_year]": "2032"}),
    ("POST", "/v1/payment_methods/{loose}/attach", {"customer": "{customer}"}),
    ("POST", METHOD + "/detach", {}),
    ("GET", OF, {"type": "card"}),
    ("GET", OF + "/{payment_method}", {}),
    (
        "POST",
        INTENTS,
        {
            "customer": "{customer}",
            "payment_method": "{loose}",
            "payment_method_types[0]": "card",
            "confirm": "true",
            "usage": "off_session",
            "return_url": "https://example.com/back",
            "metadata[operation]": "o",
        },
    ),
    ("POST", INTENTS, {"customer": "{customer}", "automatic_payment_methods[enabled]": "true"}),
    ("GET", INTENTS, {"customer": "{customer}", "created[gte]": "1", "limit": "2"}),
    ("GET", INTENT, {}),
    ("POST", INTENT, {"description": "later", "metadata[a]": "b"}),
    ("POST", INTENT + "/confirm", {"payment_method": "{loose}"}),
    ("POST", INTENT + "/cancel", {"cancellation_reason": "abandoned"}),
    ("POST", "/v1/customers/{customer}", {"invoice_settings[default_payment_method]": "{payment_method}"}),
]


def made(raw: httpx.Client, path: str, **form: str) -> str:
    answer = raw.post(path, data=form)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["id"])


@pytest.fixture
def ids(raw: httpx.Client, double: Driver) -> dict[str, str]:
    customer = made(raw, "/v1/customers", name="Ada")
    card = {"type": "card", "card[token]": "tok_visa"}
    attached = made(raw, METHODS, **card)
    raw.post(f"{METHODS}/{attached}/attach", data={"customer": customer})
    return {
        "{customer}": customer,
        "{payment_method}": attached,
        "{loose}": made(raw, METHODS, **card),
        "{intent}": made(raw, INTENTS, customer=customer),
    }


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: f"{shape[0]} {shape[1]}")
def test_what_the_double_takes_and_answers_is_stripe_s(
    raw: httpx.Client, double: Driver, stripe_mock: Mock, shape: Shape, ids: dict[str, str]
) -> None:
    # stripe-mock shows a card whatever the type that was asked for.
    unless = () if shape[2].get("type", "card") == "card" else ("card",)
    assert_conforms(raw, double, stripe_mock, shape, ids, unless=unless)


def test_every_endpoint_is_compared() -> None:
    served = {(one.method, one.path) for one in [*payment_methods.ENDPOINTS, *setup_intents.ENDPOINTS]}
    compared = {(method, path.replace("{loose}", "{payment_method}")) for method, path, _ in SHAPES}
    assert served <= compared
