"""The page of objects: what it shows, and that what a person causes happens and is told of."""

from typing import Any

import httpx
import pytest

from sandbox.stripe.driver import Driver


@pytest.fixture
def paying(raw: httpx.Client) -> dict[str, str]:
    """A customer with a card and a subscription."""
    customer = raw.post("/v1/customers", data={"name": "Ada"}).json()["id"]
    card = raw.post("/v1/payment_methods/pm_card_visa/attach", data={"customer": customer}).json()["id"]
    raw.post(f"/v1/customers/{customer}", data={"invoice_settings[default_payment_method]": card})
    recurring = {"currency": "usd", "unit_amount": "2000", "recurring[interval]": "month"}
    price = raw.post("/v1/prices", data={**recurring, "product_data[name]": "Pro"}).json()["id"]
    given = {"customer": customer, "items[0][price]": price}
    subscription = raw.post("/v1/subscriptions", data=given).json()["id"]
    return {"customer": customer, "payment_method": card, "subscription": subscription}


def done(raw: httpx.Client, action: str, id_: str, **form: str) -> httpx.Response:
    """The answer to a button of the page."""
    return raw.post(f"/_sandbox/page/{action}", data={"id": id_, **form})


def events(raw: httpx.Client) -> list[str]:
    """The types of events, newest first."""
    return [one["type"] for one in raw.get("/v1/events", params={"limit": 100}).json()["data"]]


def one(double: Driver, kind: str) -> dict[str, Any]:
    """The only object of a kind."""
    (found,) = double.objects(kind)
    return found


def test_everything_is_shown_and_the_pages_lead_to_one_another(
    raw: httpx.Client, double: Driver, paying: dict[str, str]
) -> None:
    page = raw.get("/objects").text
    for shown in (*paying.values(), "Ada", "visa 4242", "charge_automatically", 'href="/events"'):
        assert shown in page
    for other in ("/", "/events"):
        assert 'href="/objects"' in raw.get(other).text


def test_a_customer_is_changed_with_an_event_or_without(
    raw: httpx.Client, double: Driver, paying: dict[str, str]
) -> None:
    before = events(raw).count("customer.updated")
    changed = done(raw, "change-customer", paying["customer"], name="Eve", silent="1")
    assert (changed.status_code, changed.headers["location"]) == (303, "/objects#customers")
    assert one(double, "customer")["name"] == "Eve"
    assert events(raw).count("customer.updated") == before
    done(raw, "change-customer", paying["customer"], name="Mallory")
    assert events(raw).count("customer.updated") == before + 1
    nothing = done(raw, "change-customer", paying["customer"], name="")
    assert nothing.status_code == 400
    assert "new name" in nothing.text


def test_a_card_expires_is_renewed_and_detached(
    raw: httpx.Client, double: Driver, paying: dict[str, str]
) -> None:
    done(raw, "expire-card", paying["payment_method"])
    assert one(double, "payment_method")["card"]["exp_year"] == 2020
    done(raw, "renew-card", paying["payment_method"])
    assert one(double, "payment_method")["card"]["exp_year"] == 2039
    done(raw, "detach-method", paying["payment_method"])
    assert one(double, "payment_method")["customer"] is None
    told = events(raw)
    for kind in ("payment_method.updated", "payment_method.automatically_updated", "payment_method.detached"):
        assert kind in told
    assert done(raw, "detach-method", paying["payment_method"]).status_code == 400


def test_a_subscription_is_collected_otherwise_and_ended(
    raw: httpx.Client, double: Driver, paying: dict[str, str]
) -> None:
    done(raw, "flip-collection", paying["subscription"])
    found = one(double, "subscription")
    assert (found["collection_method"], found["days_until_due"]) == ("send_invoice", 30)
    done(raw, "end-subscription", paying["subscription"])
    assert one(double, "subscription")["status"] == "canceled"


def test_what_is_gone_is_a_sentence(raw: httpx.Client, double: Driver, paying: dict[str, str]) -> None:
    done(raw, "delete-customer", paying["customer"])
    assert double.objects("customer") == []
    gone = done(raw, "delete-customer", paying["customer"])
    assert gone.status_code == 404
    assert "no such object" in gone.text
