"""The clock: it stands still or jumps when a test says so, and what time brings happens then, once, in order."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from sandbox.stripe import process
from sandbox.stripe.driver import Driver
from sandbox.stripe.intervals import following

DAY = 86_400


def _customer(raw: httpx.Client) -> str:
    return str(raw.post("/v1/customers", data={"name": "Ada", "email": "ada@example.com"}).json()["id"])


def _subscribed(raw: httpx.Client, interval: str = "month", **given: str) -> dict[str, Any]:
    price = {"currency": "usd", "unit_amount": "500", "product_data[name]": "p"}
    price_id = raw.post("/v1/prices", data={**price, "recurring[interval]": interval}).json()["id"]
    by_invoice = {"collection_method": "send_invoice", "days_until_due": "30"}
    form = {"customer": _customer(raw), "items[0][price]": price_id, **by_invoice, **given}
    made: dict[str, Any] = raw.post("/v1/subscriptions", data={k: v for k, v in form.items() if v}).json()
    return made


def _seen(raw: httpx.Client, made: dict[str, Any]) -> dict[str, Any]:
    seen: dict[str, Any] = raw.get(f"/v1/subscriptions/{made['id']}").json()
    return seen


def _period(body: dict[str, Any]) -> tuple[int, int]:
    item = body["items"]["data"][0]
    return item["current_period_start"], item["current_period_end"]


def _told(raw: httpx.Client) -> list[dict[str, Any]]:
    """The events of subscriptions after their creation, oldest first."""
    found = raw.get("/v1/events?limit=100&type=customer.subscription.*").json()["data"]
    return [one for one in reversed(found) if not one["type"].endswith("created")]


def test_a_frozen_clock_stands_and_can_be_advanced(raw: httpx.Client, double: Driver) -> None:
    at = double.freeze()
    made = [raw.get(f"/v1/customers/{_customer(raw)}").json()["created"] for _ in range(2)]
    assert made == [int(at)] * 2
    assert double.advance(3600)["now"] == at + 3600
    assert raw.get(f"/v1/customers/{_customer(raw)}").json()["created"] == int(at + 3600)


def test_a_thawed_clock_goes_on_from_where_it_stood(double: Driver) -> None:
    at = double.freeze()
    double.advance(DAY)
    double.thaw()
    assert at + DAY <= double.settings()["now"] < at + DAY + 60


def test_a_clock_that_runs_can_be_advanced_and_keeps_its_offset(double: Driver) -> None:
    double.settings(clock_offset=100)
    double.advance(50)
    assert double.settings()["clock_offset"] == 150


@pytest.mark.parametrize("body", [{"seconds": -1}, {"seconds": "1"}, {}])
def test_the_clock_does_not_go_back(raw: httpx.Client, body: dict[str, object]) -> None:
    answer = raw.post("/_sandbox/clock/advance", json=body)
    assert (answer.status_code, list(answer.json())) == (400, ["error"])


def test_a_frozen_clock_is_frozen_after_a_restart(tmp_path: Path) -> None:
    child = process.start(tmp_path)
    driver = Driver(child.url)
    at = driver.freeze()
    driver.advance(7)
    driver.close()
    child.stop()
    child = process.start(tmp_path)
    driver = Driver(child.url)
    assert driver.settings()["now"] == at + 7
    driver.close()
    child.stop()


def test_a_period_follows_the_other_as_time_passes(raw: httpx.Client, double: Driver) -> None:
    double.freeze()
    made = _subscribed(raw)
    first = _period(made)
    double.advance(first[1] - first[0] - 2)
    assert _period(_seen(raw, made)) == first
    assert double.advance(3)["done"] == 1
    second = _period(_seen(raw, made))
    assert (second[0], _seen(raw, made)["status"]) == (first[1], "active")
    (event,) = _told(raw)
    assert (event["type"], event["created"]) == ("customer.subscription.updated", first[1])
    assert (event["data"]["previous_attributes"].keys(), event["request"]["id"]) == ({"items"}, None)


def test_a_long_jump_brings_every_period_in_its_time(raw: httpx.Client, double: Driver) -> None:
    double.freeze()
    weekly, daily = _subscribed(raw, "week"), _subscribed(raw, "day")
    assert double.advance(15 * DAY)["done"] == 17
    told = _told(raw)
    moments = [one["created"] for one in told]
    assert moments == sorted(moments)
    starts = [_period(one["data"]["object"])[0] for one in told if one["data"]["object"]["id"] == daily["id"]]
    assert starts == [daily["created"] + day * DAY for day in range(1, 16)]
    assert _period(_seen(raw, weekly))[0] == weekly["created"] + 14 * DAY


def test_the_end_of_a_period_ends_what_was_to_end_then(raw: httpx.Client, double: Driver) -> None:
    double.freeze()
    made = _subscribed(raw, cancel_at_period_end="true")
    double.advance(32 * DAY)
    seen = _seen(raw, made)
    assert (seen["status"], seen["ended_at"]) == ("canceled", _period(made)[1])
    assert [one["type"] for one in _told(raw)] == ["customer.subscription.deleted"]
    assert double.advance(100 * DAY)["done"] == 0


def test_what_is_to_end_at_a_moment_ends_then(raw: httpx.Client, double: Driver) -> None:
    at = int(double.freeze())
    made = _subscribed(raw, cancel_at=str(at + 5 * DAY))
    double.advance(5 * DAY)
    assert _seen(raw, made)["ended_at"] == at + 5 * DAY


def test_a_trial_ends_and_the_first_period_begins(raw: httpx.Client, double: Driver) -> None:
    double.freeze()
    made = _subscribed(raw, trial_period_days="14")
    trial = _period(made)
    assert (made["status"], trial) == ("trialing", (made["trial_start"], made["trial_end"]))
    assert trial[1] - trial[0] == 14 * DAY
    double.advance(14 * DAY)
    seen = _seen(raw, made)
    assert (seen["status"], _period(seen)[0], seen["trial_end"]) == ("active", trial[1], trial[1])
    assert seen["billing_cycle_anchor"] == trial[1]
    assert _told(raw)[-1]["data"]["previous_attributes"]["status"] == "trialing"


@pytest.mark.parametrize(
    ("behavior", "status"), [("pause", "paused"), ("cancel", "canceled"), ("create_invoice", "past_due")]
)
def test_a_trial_that_ends_with_nothing_to_charge(
    raw: httpx.Client, double: Driver, behavior: str, status: str
) -> None:
    automatic = {"collection_method": "charge_automatically", "days_until_due": ""}
    given = {"trial_settings[end_behavior][missing_payment_method]": behavior, "trial_period_days": "1"}
    made = _subscribed(raw, **automatic, **given)
    double.advance(DAY + 1)
    assert _seen(raw, made)["status"] == status


def test_a_trial_can_be_ended_or_moved(raw: httpx.Client, double: Driver) -> None:
    at = int(double.freeze())
    made = _subscribed(raw, trial_period_days="14")
    path = f"/v1/subscriptions/{made['id']}"
    longer = raw.post(path, data={"trial_end": str(at + 20 * DAY)}).json()
    assert (longer["status"], _period(longer)[1]) == ("trialing", at + 20 * DAY)
    ended = raw.post(path, data={"trial_end": "now"}).json()
    assert (ended["status"], _period(ended)[0], ended["trial_end"]) == ("active", at, at)
    assert raw.post(path, data={"trial_end": str(at - 5)}).status_code == 400


def test_what_is_due_happens_as_well_when_the_clock_is_set(raw: httpx.Client, double: Driver) -> None:
    made = _subscribed(raw, "day")
    double.settings(clock_offset=3 * DAY)
    while _period(_seen(raw, made))[0] != made["created"] + 3 * DAY:
        pass


def _at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


@pytest.mark.parametrize(
    ("start", "anchor", "interval", "count", "end"),
    [
        ("2026-01-31", "2026-01-31", "month", 1, "2026-02-28"),
        ("2026-02-28", "2026-01-31", "month", 1, "2026-03-31"),
        ("2027-02-28", "2024-02-29", "year", 1, "2028-02-29"),
        ("2026-11-15", "2026-11-15", "month", 3, "2027-02-15"),
        ("2026-01-10", "2026-01-20", "month", 1, "2026-01-20"),
        ("2026-01-25", "2026-01-20", "week", 2, "2026-02-03"),
        ("2026-01-20", "2026-01-20", "day", 1, "2026-01-21"),
    ],
)
def test_a_period_ends_where_the_anchor_says(
    start: str, anchor: str, interval: str, count: int, end: str
) -> None:
    assert following(_at(start), _at(anchor), interval, count) == _at(end)
