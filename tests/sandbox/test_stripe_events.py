"""Events: each change leaves one, a snapshot of the object as of then, kept for thirty days."""

import httpx
import pytest
import stripe

from sandbox.stripe import events
from sandbox.stripe.client import Api
from sandbox.stripe.driver import Driver

DAY = 86_400


async def _all(api: Api, **filters: object) -> list[stripe.Event]:
    page = await api.events("list", filters)
    return list(page.data)


@pytest.mark.asyncio
async def test_a_change_leaves_an_event_that_names_the_request(api: Api, double: Driver) -> None:
    made = await api.products("create", {"name": "Pro"}, key="k")
    (event,) = await _all(api)
    assert (event.type, event.data.object["id"]) == ("product.created", made.id)
    assert event.to_dict()["data"] == {"object": made.to_dict()}
    assert event.request is not None
    assert (event.request.id, event.request.idempotency_key) == (made.last_response.request_id, "k")
    assert (event.api_version, event.livemode, event.pending_webhooks) == (
        "2026-10-28.endive",
        False,
        0,
    )
    assert event.created == made.created
    assert (await api.events("retrieve", event.id)).to_dict() == event.to_dict()


@pytest.mark.asyncio
async def test_a_request_that_is_replayed_or_refused_leaves_no_event(api: Api) -> None:
    for _ in range(2):
        await api.products("create", {"name": "Pro"}, key="k")
    with pytest.raises(stripe.InvalidRequestError):
        await api.products("create", {})
    assert len(await _all(api)) == 1


@pytest.mark.asyncio
async def test_what_breaks_after_the_effect_has_left_its_event(api: Api, double: Driver) -> None:
    double.fault("error_500_after_effect")
    with pytest.raises(stripe.APIError):
        await api.products("create", {"name": "Pro"}, key="k")
    assert [one.type for one in await _all(api)] == ["product.created"]


@pytest.mark.asyncio
async def test_a_change_behind_our_back_is_told_with_what_it_was(api: Api, double: Driver) -> None:
    made = await api.products("create", {"name": "Pro", "metadata": {"a": "1", "b": "2"}})
    double.change(made.id, name="Plus", metadata={"a": None, "b": "3", "c": "4"})
    event = (await _all(api))[0]
    assert event.request is not None
    assert (event.type, event.request.id) == ("product.updated", None)
    told = event.to_dict()["data"]
    assert told["object"]["metadata"] == {"b": "3", "c": "4"}
    assert told["previous_attributes"] == {"name": "Pro", "metadata": {"a": "1", "b": "2", "c": None}}


@pytest.mark.asyncio
async def test_a_silent_change_is_told_by_no_event(api: Api, double: Driver) -> None:
    made = await api.products("create", {"name": "Pro"})
    double.change(made.id, silent=True, name="Plus")
    double.delete(made.id, silent=True)
    assert [one.type for one in await _all(api)] == ["product.created"]


@pytest.mark.asyncio
async def test_a_change_that_changes_nothing_is_told_by_no_event(api: Api, double: Driver) -> None:
    made = await api.products("create", {"name": "Pro"})
    double.change(made.id, name="Pro")
    assert len(await _all(api)) == 1


@pytest.mark.asyncio
async def test_an_event_shows_the_object_as_it_was_then(api: Api, double: Driver) -> None:
    made = await api.products("create", {"name": "one"})
    for name in ("two", "three"):
        double.change(made.id, name=name)
    assert [one.data.object["name"] for one in await _all(api)] == ["three", "two", "one"]


@pytest.mark.asyncio
async def test_events_are_listed_by_type_time_and_cursor(api: Api, double: Driver) -> None:
    double.freeze()
    for name in ("one", "two", "three"):
        await api.prices("create", {"currency": "usd", "unit_amount": 1, "product_data": {"name": name}})
        double.advance(10)
    assert len(await _all(api, type="price.created")) == 3
    assert len(await _all(api, type="product.*")) == 3
    assert len(await _all(api, types=["product.created", "price.created"])) == 6
    assert await _all(api, types=["file.created"]) == []
    everything = await _all(api)
    last = everything[0].created
    assert [one.id for one in await _all(api, created={"gte": last})] == [one.id for one in everything[:2]]
    assert await _all(api, created={"gt": last}) == []
    newer = await _all(api, ending_before=everything[2].id)
    assert [one.id for one in newer] == [one.id for one in everything[:2]]
    page = await api.events("list", {"limit": 2})
    assert [one.id for one in await api.all_of(page)] == [one.id for one in everything]


@pytest.mark.asyncio
async def test_events_are_forgotten_after_thirty_days(api: Api, double: Driver) -> None:
    await api.products("create", {"name": "old"})
    (old,) = await _all(api)
    double.advance(29 * DAY)
    await api.products("create", {"name": "new"})
    assert len(await _all(api)) == 2
    double.advance(2 * DAY)
    assert [one.data.object["name"] for one in await _all(api)] == ["new"]
    with pytest.raises(stripe.InvalidRequestError, match="No such event"):
        await api.events("retrieve", old.id)


@pytest.mark.parametrize(
    "query",
    ["type=a.b&types[0]=c.d", "starting_after=evt_none", "delivery_success=maybe", "created=soon"],
)
def test_a_filter_that_makes_no_sense_is_refused(raw: httpx.Client, query: str) -> None:
    assert raw.get(f"/v1/events?{query}").status_code == 400


def test_only_what_changed_is_in_previous_attributes() -> None:
    old = {"id": "a", "same": 1, "gone": 2, "table": {"x": 1, "y": 2}, "list": [1]}
    new = {"id": "a", "same": 1, "table": {"x": 1, "y": 3}, "list": [2], "added": None, "more": 4}
    assert events.difference(old, new) == {"gone": 2, "table": {"y": 2}, "list": [1], "more": None}
