"""Webhooks: events delivered over HTTP, signed, retried, and as late, often and disordered as the plan says."""

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest
import stripe

from sandbox.stripe import process
from sandbox.stripe.client import Api
from sandbox.stripe.driver import Driver
from sandbox.stripe.world import API_KEY
from tests.sandbox.receiver import Receiver

HOUR = 3600


@pytest.fixture
def endpoint(raw: httpx.Client, receiver: Receiver) -> dict[str, Any]:
    """A webhook endpoint for everything; it knows its secret."""
    return _connected(raw, receiver.url)


def _connected(raw: httpx.Client, url: str, *types: str) -> dict[str, Any]:
    wanted = {f"enabled_events[{n}]": name for n, name in enumerate(types or ("*",))}
    made: dict[str, Any] = raw.post("/v1/webhook_endpoints", data={"url": url, **wanted}).json()
    return made


def _happen(raw: httpx.Client, *names: str) -> list[str]:
    """Makes a product of each name; the ids of the events that tell of them."""
    for name in names:
        assert raw.post("/v1/products", data={"name": name}).status_code == 200
    newest = raw.get(f"/v1/events?limit={len(names)}").json()["data"]
    return [one["id"] for one in reversed(newest)]


def _pending(raw: httpx.Client, event_id: str) -> int:
    return int(raw.get(f"/v1/events/{event_id}").json()["pending_webhooks"])


@pytest.mark.asyncio
async def test_an_endpoint_is_made_changed_and_deleted_and_shows_its_secret_once(api: Api) -> None:
    wanted = {"url": "http://127.0.0.1:9/h", "enabled_events": ["customer.updated"], "metadata": {"a": "1"}}
    made = await api.webhook_endpoints("create", wanted)
    assert (made.secret[:6], made.status, made.api_version) == ("whsec_", "enabled", "2026-10-28.endive")
    seen = await api.webhook_endpoints("retrieve", made.id)
    assert "secret" not in seen
    changed = await api.webhook_endpoints("update", made.id, {"disabled": True, "enabled_events": ["*"]})
    assert (changed.status, changed.enabled_events) == ("disabled", ["*"])
    assert [one.id for one in (await api.webhook_endpoints("list")).data] == [made.id]
    assert (await api.webhook_endpoints("delete", made.id)).deleted
    with pytest.raises(stripe.InvalidRequestError, match="No such webhook endpoint"):
        await api.webhook_endpoints("retrieve", made.id)


@pytest.mark.parametrize(
    "form",
    [
        {"url": "example.com", "enabled_events[0]": "*"},
        {"url": "https://example.com", "enabled_events": ""},
        {"url": "https://example.com", "enabled_events[0]": "customer.*"},
        {"url": "https://example.com", "enabled_events[0]": "*", "api_version": "2020-08-27"},
    ],
)
def test_an_endpoint_that_makes_no_sense_is_refused(raw: httpx.Client, form: dict[str, str]) -> None:
    assert raw.post("/v1/webhook_endpoints", data=form).status_code == 400


def test_an_account_has_at_most_sixteen_endpoints(raw: httpx.Client) -> None:
    for _ in range(16):
        assert "id" in _connected(raw, "http://127.0.0.1:9/h")
    assert "maximum of 16" in _connected(raw, "http://127.0.0.1:9/h")["error"]["message"]


def test_a_delivery_is_signed_as_the_client_expects(
    raw: httpx.Client, double: Driver, receiver: Receiver, endpoint: dict[str, Any]
) -> None:
    (event_id,) = _happen(raw, "Grüße")
    assert double.drain()["drained"]
    (arrived,) = receiver.arrived
    event = arrived.verified(endpoint["secret"])
    assert (event.id, event.type, event.data.object["name"]) == (event_id, "product.created", "Grüße")
    assert arrived.headers["content-type"] == "application/json; charset=utf-8"
    with pytest.raises(stripe.SignatureVerificationError):
        arrived.verified("whsec_other")
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.Webhook.construct_event(arrived.body + b" ", arrived.signature, endpoint["secret"])


def test_an_event_waits_for_its_endpoint_until_that_has_it(
    raw: httpx.Client, double: Driver, endpoint: dict[str, Any]
) -> None:
    double.pause()
    (event_id,) = _happen(raw, "one")
    assert _pending(raw, event_id) == 1
    unsuccessful = raw.get("/v1/events?delivery_success=false").json()["data"]
    assert [one["id"] for one in unsuccessful] == [event_id]
    double.resume()
    double.drain()
    assert _pending(raw, event_id) == 0
    assert [one["id"] for one in raw.get("/v1/events?delivery_success=true").json()["data"]] == [event_id]


def test_only_the_events_an_endpoint_asked_for_are_sent(
    raw: httpx.Client, double: Driver, receiver: Receiver
) -> None:
    _connected(raw, receiver.url, "price.created")
    price = {"currency": "usd", "unit_amount": "1", "product_data[name]": "p"}
    assert raw.post("/v1/prices", data=price).status_code == 200
    double.drain()
    assert receiver.types() == ["price.created"]


def test_a_thin_event_is_read_by_the_client(
    raw: httpx.Client, double: Driver, receiver: Receiver, endpoint: dict[str, Any]
) -> None:
    double.set_payload(endpoint["id"], "thin")
    (event_id,) = _happen(raw, "one")
    double.drain()
    (arrived,) = receiver.arrived
    client = stripe.StripeClient(API_KEY)
    notification = client.parse_event_notification(arrived.body, arrived.signature, endpoint["secret"])
    assert notification.type == "v1.product.created"
    assert notification.reason
    assert notification.reason.request
    body = arrived.event
    (product,) = double.objects("product")
    assert body["related_object"]["url"] == f"/v1/products/{product['id']}"
    assert raw.get(body["related_object"]["url"]).json() == product
    assert body["snapshot_event"] == event_id
    with pytest.raises(ValueError, match="thin event notification"):
        arrived.verified(endpoint["secret"])


def test_while_a_secret_is_rolled_both_are_good(
    raw: httpx.Client, double: Driver, receiver: Receiver, endpoint: dict[str, Any]
) -> None:
    new = double.roll_secret(endpoint["id"], overlap=HOUR)
    _happen(raw, "during")
    double.drain()
    double.advance(HOUR + 1)
    _happen(raw, "after")
    double.drain()
    during, after = receiver.arrived
    assert during.signature.count("v1=") == 2
    assert during.verified(new).id == during.verified(endpoint["secret"]).id
    assert after.verified(new).data.object["name"] == "after"
    with pytest.raises(stripe.SignatureVerificationError):
        after.verified(endpoint["secret"])


def test_what_is_not_answered_with_2xx_is_sent_again_later_and_later(
    raw: httpx.Client, double: Driver, receiver: Receiver, endpoint: dict[str, Any]
) -> None:
    double.freeze()
    double.delivery_plan(retry=60)
    receiver.status = 302
    (event_id,) = _happen(raw, "one")
    for expected, wait in ((1, 0), (1, 59), (2, 1), (2, 119), (3, 1)):
        double.advance(wait)
        double.drain()
        assert len(receiver.arrived) == expected
    (delivery,) = double.deliveries(event=event_id)
    assert (delivery["state"], delivery["attempts"], delivery["error"]) == ("pending", 3, "answered 302")
    receiver.status = 204
    double.advance(240)
    double.drain()
    assert _pending(raw, event_id) == 0
    assert {one.event["id"] for one in receiver.arrived} == {event_id}


def test_after_three_days_a_delivery_is_given_up(
    raw: httpx.Client, double: Driver, receiver: Receiver, endpoint: dict[str, Any]
) -> None:
    double.freeze()
    receiver.status = 500
    (event_id,) = _happen(raw, "one")
    for _ in range(7 * 12):
        double.drain()
        double.advance(HOUR)
    (delivery,) = double.deliveries(event=event_id)
    assert delivery["state"] == "failed"
    assert delivery["ended"] - delivery["began"] <= 3 * 24 * HOUR
    assert delivery["attempts"] >= 10
    assert _pending(raw, event_id) == 1


def test_a_receiver_that_does_not_answer_counts_as_failed(
    raw: httpx.Client, double: Driver, receiver: Receiver, endpoint: dict[str, Any]
) -> None:
    double.delivery_plan(timeout=0.05, retry=HOUR)
    receiver.silent.set()
    _happen(raw, "one")
    assert double.drain()["retrying"] == 1
    assert double.deliveries()[0]["error"] == "no answer within 0.05 s"
    receiver.silent.clear()
    assert double.drain(hurry=True)["delivered"] == 1


def test_a_receiver_that_is_not_there_counts_as_failed(raw: httpx.Client, double: Driver) -> None:
    _connected(raw, "http://127.0.0.1:9/hook")
    double.delivery_plan(retry=HOUR)
    _happen(raw, "one")
    assert double.drain()["retrying"] == 1
    assert double.deliveries()[0]["error"].startswith("ConnectError")


@pytest.mark.parametrize("how", ["deleted", "disabled"])
def test_an_endpoint_that_is_gone_gets_nothing_that_still_waited(
    raw: httpx.Client, double: Driver, receiver: Receiver, endpoint: dict[str, Any], how: str
) -> None:
    double.pause()
    _happen(raw, "one")
    path = f"/v1/webhook_endpoints/{endpoint['id']}"
    gone = raw.delete(path) if how == "deleted" else raw.post(path, data={"disabled": "true"})
    assert gone.status_code == 200
    _happen(raw, "two")
    double.resume()
    assert double.drain()["failed"] == 1
    assert receiver.arrived == []


def test_the_plan_sends_an_event_several_times(
    raw: httpx.Client, double: Driver, receiver: Receiver, endpoint: dict[str, Any]
) -> None:
    double.delivery_plan({"types": ["product.*"], "copies": 3})
    _happen(raw, "one", "two")
    assert double.drain()["delivered"] == 6
    assert sorted(receiver.names()) == ["one"] * 3 + ["two"] * 3
    assert len({one.event["id"] for one in receiver.arrived}) == 2


def test_the_plan_delays_an_event(
    raw: httpx.Client, double: Driver, receiver: Receiver, endpoint: dict[str, Any]
) -> None:
    double.freeze()
    double.delivery_plan({"delay": 30})
    _happen(raw, "one")
    double.advance(29)
    assert not double.drain(timeout=0.1)["drained"]
    assert receiver.arrived == []
    double.advance(1)
    double.drain()
    assert receiver.names() == ["one"]


def test_the_plan_shuffles_within_a_window_as_its_seed_says(
    raw: httpx.Client, double: Driver, receiver: Receiver, endpoint: dict[str, Any]
) -> None:
    names = [f"{n:02}" for n in range(12)]
    orders = []
    for seed in (7, 7, 8):
        receiver.arrived.clear()
        double.freeze()
        double.delivery_plan({"window": 60}, seed=seed, concurrency=1)
        _happen(raw, *names)
        assert receiver.arrived == []
        double.advance(60)
        double.drain()
        orders.append(receiver.names())
    assert orders[0] == orders[1] != orders[2]
    assert sorted(orders[0]) == names != orders[0]


def test_without_a_plan_events_come_in_order_one_after_the_other(
    raw: httpx.Client, double: Driver, receiver: Receiver, endpoint: dict[str, Any]
) -> None:
    double.delivery_plan(concurrency=1)
    double.pause()
    names = [f"{n:02}" for n in range(20)]
    _happen(raw, *names)
    double.resume()
    double.drain()
    assert receiver.names() == names
    assert len(receiver.connections) == 1


@pytest.mark.parametrize(("unnoticed", "state", "pending"), [(False, "lost", 1), (True, "vanished", 0)])
def test_the_plan_loses_an_event_and_stripe_knows_or_does_not(
    raw: httpx.Client,
    double: Driver,
    receiver: Receiver,
    endpoint: dict[str, Any],
    unnoticed: bool,
    state: str,
    pending: int,
) -> None:
    double.delivery_plan({"types": ["product.created"], "lose": 1, "unnoticed": unnoticed})
    (event_id,) = _happen(raw, "one")
    assert double.drain()[state] == 1
    assert (receiver.arrived, _pending(raw, event_id)) == ([], pending)


def test_the_same_seed_loses_the_same_share_again(
    raw: httpx.Client, double: Driver, receiver: Receiver, endpoint: dict[str, Any]
) -> None:
    found = []
    names = [f"{n:02}" for n in range(40)]
    for _ in range(2):
        receiver.arrived.clear()
        double.delivery_plan({"lose": 0.3}, seed=4)
        _happen(raw, *names)
        double.drain()
        found.append(sorted(receiver.names()))
    assert found[0] == found[1]
    assert 15 < len(found[0]) < 40


def test_the_first_rule_that_concerns_a_type_counts(
    raw: httpx.Client, double: Driver, receiver: Receiver, endpoint: dict[str, Any]
) -> None:
    double.delivery_plan({"types": ["price.*"], "lose": 1}, {"copies": 2})
    price = {"currency": "usd", "unit_amount": "1", "product_data[name]": "p"}
    assert raw.post("/v1/prices", data=price).status_code == 200
    double.drain()
    assert receiver.types() == ["product.created"] * 2


@pytest.mark.parametrize(
    "plan",
    [
        {"rules": [{"copies": 0}]},
        {"rules": [{"lose": 2}]},
        {"rules": [{"colour": 1}]},
        {"rules": [{"types": "customer"}]},
        {"rules": [{"unnoticed": "yes"}]},
        {"rules": {}},
        {"since": 4},
        {"concurrency": 1.5},
        {"timeout": True},
    ],
)
def test_a_plan_that_makes_no_sense_is_a_sentence(raw: httpx.Client, plan: dict[str, Any]) -> None:
    answer = raw.put("/_sandbox/webhooks/plan", json=plan)
    assert (answer.status_code, list(answer.json())) == (400, ["error"])


def test_an_event_can_be_sent_once_more(
    raw: httpx.Client, double: Driver, receiver: Receiver, endpoint: dict[str, Any]
) -> None:
    double.delivery_plan({"lose": 1})
    (event_id,) = _happen(raw, "one")
    assert double.resend(event_id) == 1
    assert double.drain()["drained"]
    assert [one.event["id"] for one in receiver.arrived] == [event_id]
    assert _pending(raw, event_id) == 0
    assert raw.post("/_sandbox/events/evt_none/resend").status_code == 404
    wrong = raw.post(f"/_sandbox/events/{event_id}/resend", json={"endpoint": "we_none"})
    assert wrong.status_code == 404


def test_a_reset_forgets_endpoints_events_and_deliveries(
    raw: httpx.Client, double: Driver, endpoint: dict[str, Any]
) -> None:
    double.pause()
    _happen(raw, "one")
    double.reset()
    known = double.webhooks()
    assert (known["endpoints"], known["paused"], set(known["counts"].values())) == ([], False, {0})
    assert raw.get("/v1/events").json()["data"] == []


def test_many_events_are_delivered_over_kept_connections(
    raw: httpx.Client, double: Driver, receiver: Receiver, endpoint: dict[str, Any]
) -> None:
    double.pause()
    double.delivery_plan({"copies": 10}, concurrency=8)
    _happen(raw, *(f"{n}" for n in range(20)))
    double.resume()
    assert double.drain()["delivered"] == 200
    assert len(receiver.connections) <= 8


@pytest.mark.asyncio
async def test_what_waits_is_delivered_after_a_crash(tmp_path: Path, receiver: Receiver) -> None:
    arguments = ("--webhook-url", receiver.url, "--webhook-secret", "whsec_fixed")
    child = process.start(tmp_path, *arguments)
    api, driver = Api(child.url, mode="async"), Driver(child.url)
    driver.pause()
    for name in ("one", "two"):
        await api.products("create", {"name": name})
    await api.close()
    driver.close()
    await asyncio.to_thread(child.kill)

    child = process.start(tmp_path, *arguments)
    driver = Driver(child.url)
    assert len(driver.webhooks()["endpoints"]) == 1
    driver.resume()
    assert driver.drain()["delivered"] == 2
    assert {one.verified("whsec_fixed").data.object["name"] for one in receiver.arrived} == {"one", "two"}
    driver.reset()
    assert [one["url"] for one in driver.webhooks()["endpoints"]] == [receiver.url]
    driver.close()
    child.stop()
