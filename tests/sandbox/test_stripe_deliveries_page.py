"""The page of events and deliveries: what a person sees there and can do."""

from typing import Any

import httpx
import pytest

from sandbox.stripe.driver import Driver
from tests.sandbox.receiver import Receiver


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


def test_the_page_shows_events_and_deliveries_and_has_buttons(
    raw: httpx.Client, double: Driver, receiver: Receiver, endpoint: dict[str, Any]
) -> None:
    (event_id,) = _happen(raw, "<b>")
    double.drain()
    page = raw.get("/events").text
    assert event_id in page
    assert receiver.url in page
    assert "product.created" in page
    assert raw.post(f"/_sandbox/page/resend-event?id={event_id}").status_code == 303
    assert double.drain()["delivered"] == 2
    form = {"types": "product.* price.*", "copies": "2", "lose": "0.5", "seed": "3", "unnoticed": "1"}
    assert raw.post("/_sandbox/page/delivery-plan", data=form).headers["location"] == "/events"
    plan = double.webhooks()["plan"]
    assert plan["rules"][0]["types"] == ["product.*", "price.*"]
    assert (plan["seed"], plan["rules"][0]["copies"], plan["rules"][0]["unnoticed"]) == (3, 2, True)
    assert raw.post("/_sandbox/page/pause-deliveries").status_code == 303
    assert double.webhooks()["paused"]
    assert raw.post("/_sandbox/page/advance-clock", data={"seconds": "60"}).status_code == 303
    assert double.settings()["clock_offset"] == 60


@pytest.mark.parametrize(
    ("path", "form", "status"),
    [
        ("resend-event?id=evt_none", {}, 404),
        ("delivery-plan", {"lose": "7"}, 400),
        ("delivery-plan", {"copies": "x"}, 400),
        ("advance-clock", {"seconds": "-1"}, 400),
    ],
)
def test_a_form_that_makes_no_sense_is_answered_on_the_page(
    raw: httpx.Client, path: str, form: dict[str, str], status: int
) -> None:
    answer = raw.post(f"/_sandbox/page/{path}", data=form)
    assert answer.status_code == status
    assert 'role="alert"' in answer.text
