"""Subscriptions: their items and periods, how they are collected, how they end, and the events that tell of it."""

from typing import Any

import httpx
import pytest
import stripe

from sandbox.stripe.client import Api
from sandbox.stripe.driver import Driver

DAY = 86_400


async def _price(api: Api, amount: int = 2000, interval: str = "month", currency: str = "usd") -> str:
    given = {"currency": currency, "unit_amount": amount, "product_data": {"name": "Pro"}}
    return str((await api.prices("create", {**given, "recurring": {"interval": interval}})).id)


async def _subscribed(api: Api, **given: Any) -> Any:
    """A subscription that is paid by invoice, unless told otherwise."""
    customer = (
        given.pop("customer", None)
        or (await api.customers("create", {"name": "Ada", "email": "ada@example.com"})).id
    )
    items = given.pop("items", None) or [{"price": await _price(api), "quantity": 2}]
    by_invoice = {"collection_method": "send_invoice", "days_until_due": 30}
    return await api.subscriptions("create", {"customer": customer, "items": items, **by_invoice, **given})


async def _told(api: Api, id_: str) -> list[dict[str, Any]]:
    """The events of a subscription, oldest first."""
    page = await api.events("list", {"limit": 100, "type": "customer.subscription.*"})
    found = [one.to_dict() for one in reversed(page.data)]
    return [one for one in found if one["data"]["object"]["id"] == id_]


@pytest.mark.asyncio
async def test_a_new_subscription_has_items_and_a_period_of_a_month(api: Api, double: Driver) -> None:
    double.freeze()
    made = await _subscribed(api, metadata={"zone": "example.com"})
    (item,) = made["items"].data
    assert (made.status, made.collection_method, made.days_until_due) == ("active", "send_invoice", 30)
    assert (item.quantity, item.price.unit_amount, item.price.recurring.interval) == (2, 2000, "month")
    assert (item.current_period_start, made.start_date) == (made.created, made.created)
    assert 28 * DAY <= item.current_period_end - item.current_period_start <= 31 * DAY
    assert (made.currency, made.metadata.to_dict(), made.latest_invoice) == (
        "usd",
        {"zone": "example.com"},
        None,
    )
    assert (await api.subscriptions("retrieve", made.id)).to_dict() == made.to_dict()
    (event,) = await _told(api, made.id)
    assert (event["type"], event["data"]) == ("customer.subscription.created", {"object": made.to_dict()})


@pytest.mark.asyncio
async def test_an_invoice_needs_days_until_due_and_a_charge_has_none(api: Api) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="you must specify `days_until_due`"):
        await _subscribed(api, days_until_due=None)
    with pytest.raises(stripe.InvalidRequestError, match="can only be set"):
        await _subscribed(api, collection_method="charge_automatically")


@pytest.mark.asyncio
async def test_no_invoice_is_sent_to_a_customer_without_an_email(api: Api) -> None:
    nobody = (await api.customers("create", {"name": "Ada"})).id
    with pytest.raises(stripe.InvalidRequestError, match="the customer must have a valid email"):
        await _subscribed(api, customer=nobody)
    free = [{"price": await _price(api, amount=0)}]
    automatic = {"collection_method": "charge_automatically", "items": free}
    made = await api.subscriptions("create", {"customer": nobody, **automatic})
    by_invoice = {"collection_method": "send_invoice", "days_until_due": 7}
    with pytest.raises(stripe.InvalidRequestError, match=r"^Request req_\w+: Missing email\."):
        await api.subscriptions("update", made.id, by_invoice)
    await api.customers("update", nobody, {"email": "ada@example.com"})
    flipped = await api.subscriptions("update", made.id, by_invoice)
    assert flipped.collection_method == "send_invoice"


@pytest.mark.asyncio
async def test_the_collection_method_flips_both_ways(api: Api) -> None:
    made = await _subscribed(api)
    flipped = await api.subscriptions("update", made.id, {"collection_method": "charge_automatically"})
    assert (flipped.collection_method, flipped.days_until_due) == ("charge_automatically", None)
    with pytest.raises(stripe.InvalidRequestError, match="days_until_due"):
        await api.subscriptions("update", made.id, {"collection_method": "send_invoice"})
    by_invoice = {"collection_method": "send_invoice", "days_until_due": 7}
    back = await api.subscriptions("update", made.id, by_invoice)
    assert (back.collection_method, back.days_until_due) == ("send_invoice", 7)
    told = [one["data"].get("previous_attributes") for one in await _told(api, made.id)]
    assert told == [
        None,
        {"collection_method": "send_invoice", "days_until_due": 30},
        {"collection_method": "charge_automatically", "days_until_due": None},
    ]


@pytest.mark.asyncio
async def test_a_charge_needs_something_to_charge_unless_it_may_stay_incomplete(
    api: Api, double: Driver
) -> None:
    customer = (await api.customers("create", {"name": "Ada", "email": "ada@example.com"})).id
    charged = {"customer": customer, "items": [{"price": await _price(api)}]}
    with pytest.raises(stripe.InvalidRequestError, match="no attached payment source"):
        await api.subscriptions("create", charged)
    free = await api.subscriptions(
        "create", {"customer": customer, "items": [{"price": await _price(api, 0)}]}
    )
    assert free.status == "active"
    waiting = await api.subscriptions("create", {**charged, "payment_behavior": "default_incomplete"})
    assert waiting.status == "incomplete"
    double.change(customer, invoice_settings={"default_payment_method": "pm_given"})
    assert (await api.subscriptions("create", charged)).status == "active"


@pytest.mark.asyncio
async def test_a_payment_method_must_be_the_customers(api: Api) -> None:
    made = await _subscribed(api)
    with pytest.raises(stripe.InvalidRequestError, match="does not have a payment method"):
        await api.subscriptions("update", made.id, {"default_payment_method": "pm_none"})


@pytest.mark.asyncio
async def test_an_incomplete_subscription_expires_after_23_hours(api: Api, double: Driver) -> None:
    customer = (await api.customers("create", {"name": "Ada", "email": "ada@example.com"})).id
    charged = {"customer": customer, "items": [{"price": await _price(api)}]}
    made = await api.subscriptions("create", {**charged, "payment_behavior": "default_incomplete"})
    double.advance(23 * 3600 + 1)
    assert (await api.subscriptions("retrieve", made.id)).status == "incomplete_expired"


@pytest.mark.parametrize(
    ("items", "message"),
    [
        ([{"price": "price_none"}], "No such price"),
        ([{"quantity": 1}], "Missing required param: items\\[0\\]\\[price\\]"),
        ([{"price": "{once}"}], "only accepts prices with `type=recurring`"),
        ([{"price": "{month}"}, {"price": "{year}"}], "same `recurring.interval`"),
        ([{"price": "{month}"}, {"price": "{euro}"}], "same `currency`"),
        ([{"price": "{month}", "quantity": -1}], "greater than or equal to 0"),
        ([{"price": "{month}"}] * 21, "at most 20"),
    ],
)
@pytest.mark.asyncio
async def test_items_that_make_no_sense_are_refused(
    api: Api, items: list[dict[str, Any]], message: str
) -> None:
    once = await api.prices("create", {"currency": "usd", "unit_amount": 1, "product_data": {"name": "p"}})
    prices = {
        "{once}": once.id,
        "{month}": await _price(api),
        "{year}": await _price(api, interval="year"),
        "{euro}": await _price(api, currency="eur"),
    }
    wanted = [{name: prices.get(str(value), value) for name, value in one.items()} for one in items]
    with pytest.raises(stripe.InvalidRequestError, match=message):
        await _subscribed(api, items=wanted)


@pytest.mark.asyncio
async def test_items_are_changed_added_and_taken_out(api: Api) -> None:
    made = await _subscribed(api)
    item = made["items"].data[0]
    more = await api.subscriptions(
        "update", made.id, {"items": [{"id": item.id, "quantity": 9}, {"price": await _price(api, 50)}]}
    )
    first, second = more["items"].data
    assert (first.id, first.quantity, second.price.unit_amount) == (item.id, 9, 50)
    assert second.current_period_end == item.current_period_end
    fewer = await api.subscriptions("update", made.id, {"items": [{"id": item.id, "deleted": True}]})
    assert [one.id for one in fewer["items"].data] == [second.id]
    with pytest.raises(stripe.InvalidRequestError, match="at least one"):
        await api.subscriptions("update", made.id, {"items": [{"id": second.id, "deleted": True}]})
    told = await _told(api, made.id)
    assert [one["quantity"] for one in told[1]["data"]["previous_attributes"]["items"]["data"]] == [2]


@pytest.mark.asyncio
async def test_another_interval_begins_a_new_period(api: Api, double: Driver) -> None:
    double.freeze()
    made = await _subscribed(api)
    double.advance(5 * DAY)
    yearly = {"id": made["items"].data[0].id, "price": await _price(api, interval="year")}
    changed = await api.subscriptions("update", made.id, {"items": [yearly]})
    (item,) = changed["items"].data
    assert item.current_period_start == made.created + 5 * DAY == changed.billing_cycle_anchor
    assert item.current_period_end - item.current_period_start in (365 * DAY, 366 * DAY)


@pytest.mark.asyncio
async def test_a_canceled_subscription_stays_to_be_seen_and_is_not_changed_any_more(api: Api) -> None:
    made = await _subscribed(api)
    gone = await api.subscriptions("cancel", made.id, {"cancellation_details": {"comment": "moved"}})
    assert (gone.status, gone.cancellation_details.reason) == ("canceled", "cancellation_requested")
    assert gone.canceled_at == gone.ended_at is not None
    assert (await api.subscriptions("retrieve", made.id)).status == "canceled"
    with pytest.raises(stripe.InvalidRequestError, match="canceled subscription can only update"):
        await api.subscriptions("update", made.id, {"description": "x"})
    noted = await api.subscriptions("update", made.id, {"metadata": {"a": "1"}})
    assert (noted.status, noted.canceled_at) == ("canceled", gone.canceled_at)
    with pytest.raises(stripe.InvalidRequestError, match="No such subscription"):
        await api.subscriptions("cancel", made.id)
    told = await _told(api, made.id)
    assert [one["type"].rpartition(".")[2] for one in told] == ["created", "deleted", "updated"]
    assert told[1]["data"] == {"object": gone.to_dict()}


@pytest.mark.asyncio
async def test_a_cancellation_at_the_end_of_the_period_can_be_taken_back(api: Api) -> None:
    made = await _subscribed(api)
    ends = await api.subscriptions("update", made.id, {"cancel_at_period_end": True})
    assert (ends.status, ends.cancel_at) == ("active", made["items"].data[0].current_period_end)
    assert ends.canceled_at is not None
    stays = await api.subscriptions("update", made.id, {"cancel_at_period_end": False})
    assert (stays.cancel_at, stays.canceled_at, stays.cancel_at_period_end) == (None, None, False)
    assert stays.to_dict() == made.to_dict()


@pytest.mark.asyncio
async def test_subscriptions_are_listed_by_customer_and_status(api: Api) -> None:
    first = await _subscribed(api)
    second = await _subscribed(api, customer=first.customer, trial_period_days=3)
    other = await _subscribed(api)
    await api.subscriptions("cancel", first.id)

    async def ids(**filters: Any) -> list[str]:
        return [one.id for one in (await api.subscriptions("list", filters)).data]

    assert await ids() == [other.id, second.id]
    assert await ids(customer=first.customer) == [second.id]
    assert await ids(customer=first.customer, status="all") == [second.id, first.id]
    assert await ids(status="canceled") == await ids(status="ended") == [first.id]
    assert await ids(status="trialing") == [second.id]
    assert await ids(price=other["items"].data[0].price.id) == [other.id]
    assert await ids(collection_method="charge_automatically") == []
    page = await api.subscriptions("list", {"status": "all", "limit": 1})
    assert [one.id for one in await api.all_of(page)] == [other.id, second.id, first.id]
    with pytest.raises(stripe.InvalidRequestError, match="must be one of"):
        await ids(status="sleeping")


@pytest.mark.asyncio
async def test_usage_is_counted_by_a_meter_and_has_no_quantity(api: Api) -> None:
    given = {"currency": "usd", "unit_amount": 5, "product_data": {"name": "Requests"}}
    metered = {"interval": "month", "usage_type": "metered"}
    with pytest.raises(stripe.InvalidRequestError, match="backed by meters"):
        await api.prices("create", {**given, "recurring": metered})
    price = await api.prices("create", {**given, "recurring": {**metered, "meter": "mtr_test_1"}})
    assert (price.recurring.usage_type, price.recurring.meter) == ("metered", "mtr_test_1")
    with pytest.raises(stripe.InvalidRequestError, match="quantity"):
        await _subscribed(api, items=[{"price": price.id, "quantity": 2}])
    made = await _subscribed(api, items=[{"price": await _price(api), "quantity": 2}, {"price": price.id}])
    licensed, used = (one.to_dict() for one in made["items"].data)
    assert (licensed["quantity"], "quantity" in used) == (2, False)
    assert used["price"]["recurring"]["usage_type"] == "metered"


@pytest.mark.asyncio
async def test_a_subscription_can_show_its_customer(api: Api) -> None:
    made = await _subscribed(api)
    seen = await api.subscriptions("retrieve", made.id, {"expand": ["customer"]})
    assert seen.customer.name == "Ada"


@pytest.mark.asyncio
async def test_a_change_behind_our_back_moves_the_subscriptions_end_too(api: Api, double: Driver) -> None:
    made = await _subscribed(api)
    double.change(made.id, status="past_due", cancel_at=made.created + 100)
    double.advance(101)
    assert (await api.subscriptions("retrieve", made.id)).status == "canceled"
    told = await _told(api, made.id)
    assert [one["type"].rpartition(".")[2] for one in told] == ["created", "updated", "deleted"]
    assert told[1]["data"]["previous_attributes"] == {"status": "active", "cancel_at": None}


@pytest.mark.asyncio
async def test_deleting_one_behind_our_back_cancels_it(api: Api, double: Driver) -> None:
    made = await _subscribed(api)
    double.delete(made.id)
    assert (await api.subscriptions("retrieve", made.id)).status == "canceled"


@pytest.mark.parametrize(
    "form",
    [
        {"currency": "usd", "unit_amount": "-1", "product_data[name]": "p"},
        {"currency": "usd", "product_data[name]": "p"},
        {"currency": "usd", "unit_amount": "1"},
        {"currency": "usd", "unit_amount": "1", "product": "prod_none"},
        {"currency": "dollar", "unit_amount": "1", "product_data[name]": "p"},
        {
            "currency": "usd",
            "unit_amount": "1",
            "product_data[name]": "p",
            "recurring[interval]": "year",
            "recurring[interval_count]": "4",
        },
    ],
)
def test_a_price_that_makes_no_sense_is_refused(raw: httpx.Client, form: dict[str, str]) -> None:
    assert raw.post("/v1/prices", data=form).status_code == 400


@pytest.mark.asyncio
async def test_a_product_may_have_an_id_of_our_choice_once(api: Api) -> None:
    made = await api.products("create", {"id": "pro", "name": "Pro"})
    assert (made.id, (await api.products("retrieve", "pro")).name) == ("pro", "Pro")
    with pytest.raises(stripe.InvalidRequestError, match="already exists"):
        await api.products("create", {"id": "pro", "name": "Pro"})
