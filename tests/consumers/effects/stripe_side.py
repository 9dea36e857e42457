"""What others do at Stripe, and what is there: a customer who subscribes, a page that confirms, support."""

from typing import Any

import httpx

from sandbox.stripe.world import API_KEY
from tests.consumers.effects.payments import Payments


def stripe(payments: Payments, path: str, **form: Any) -> dict[str, Any]:
    """A request of somebody else to the double of Stripe."""
    url = f"{payments.world.double.url}{path}"
    answer = httpx.post(url, data=form, headers={"Authorization": f"Bearer {API_KEY}"}, trust_env=False)
    assert answer.is_success, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def subscribed(payments: Payments, **given: Any) -> str:
    """The customer subscribes at Stripe; gives the subscription's id."""
    customer = await payments.customer()
    recurring = {"currency": "usd", "unit_amount": 2000, "recurring[interval]": "month"}
    price = stripe(payments, "/v1/prices", **recurring, **{"product_data[name]": "Pro"})
    items = {"items[0][price]": price["id"], "customer": customer["id"]}
    return str(stripe(payments, "/v1/subscriptions", **items, **given)["id"])


def attached(payments: Payments) -> list[str]:
    """The methods that belong to a customer."""
    return [one["id"] for one in payments.objects("payment_method") if one["customer"]]


def strangers_card(payments: Payments) -> str:
    """A card that another customer of Stripe's has."""
    customer = stripe(payments, "/v1/customers", name="Eve")["id"]
    return str(stripe(payments, "/v1/payment_methods/pm_card_visa/attach", customer=customer)["id"])
