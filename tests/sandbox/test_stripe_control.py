"""The control API: what a test sees of the double and changes behind everybody's back."""

import httpx
import pytest
import stripe

from sandbox.stripe.client import Api
from sandbox.stripe.driver import Driver


@pytest.mark.asyncio
async def test_every_request_is_in_the_log_as_it_was_sent(api: Api, double: Driver) -> None:
    made = await api.customers("create", {"name": "Ada L.", "metadata": {"a": "1"}}, key="k")
    await api.customers("retrieve", made.id)
    newest, create = double.requests()
    assert (newest["method"], newest["path"], newest["status"]) == ("GET", f"/v1/customers/{made.id}", 200)
    assert create["params"] == {"name": "Ada L.", "metadata": {"a": "1"}}
    assert create["encoded"] == "name=Ada+L.&metadata[a]=1"
    assert (create["idempotency_key"], create["replayed"], create["fault"]) == ("k", False, None)
    assert double.requests(endpoint="POST /v1/customers") == [create]
    assert double.requests(status=404) == []


@pytest.mark.asyncio
async def test_effects_are_counted_once_however_often_a_request_comes(api: Api, double: Driver) -> None:
    made = await api.customers("create", {"name": "Ada"}, key="k")
    await api.customers("create", {"name": "Ada"}, key="k")
    with pytest.raises(stripe.InvalidRequestError):
        await api.customers("update", "cus_none", {"name": "B"}, key="k2")
    await api.customers("delete", made.id)
    effects = double.effects()
    assert [(one["endpoint"], one["object_id"], one["idempotency_key"]) for one in effects] == [
        ("POST /v1/customers", made.id, "k"),
        ("DELETE /v1/customers/{customer}", made.id, None),
    ]
    counters = double.counters()
    assert counters["requests"]["POST /v1/customers"] == {"200": 2}
    assert counters["requests"]["POST /v1/customers/{customer}"] == {"404": 1}
    assert counters["effects"]["POST /v1/customers"] == 1
    assert counters["objects"] == {"customer": {"living": 0, "deleted": 1}}


@pytest.mark.asyncio
async def test_an_object_can_be_changed_behind_everybodys_back(api: Api, double: Driver) -> None:
    made = await api.customers("create", {"email": "a@example.com", "metadata": {"a": "1", "b": "2"}})
    double.change(made.id, email="drifted@example.com", metadata={"a": None, "c": "3"}, delinquent=True)
    seen = await api.customers("retrieve", made.id)
    assert (seen.email, seen.delinquent) == ("drifted@example.com", True)
    assert seen.metadata.to_dict() == {"b": "2", "c": "3"}
    assert [one.id for one in (await api.customers("list", {"email": "drifted@example.com"})).data] == [
        made.id
    ]
    found = await api.customers("search", {"query": "metadata['c']:'3'"})
    assert [one.id for one in found.data] == [made.id]
    assert len(double.effects()) == 1


@pytest.mark.asyncio
async def test_an_object_can_be_deleted_behind_everybodys_back(api: Api, double: Driver) -> None:
    made = await api.customers("create", {"tax_id_data": [{"type": "us_ein", "value": "123456789"}]})
    double.delete(made.id)
    assert (await api.customers("retrieve", made.id)).deleted
    assert double.objects() == []
    assert [one["object"] for one in double.objects(deleted=True)] == ["customer", "tax_id"]


@pytest.mark.asyncio
async def test_a_reset_forgets_everything(api: Api, double: Driver) -> None:
    await api.customers("create", {"name": "Ada"}, key="k")
    double.fault("rate_limit")
    double.settings(clock_offset=500)
    double.reset()
    assert (double.objects(), double.effects(), double.requests(), double.faults()) == ([], [], [], [])
    assert double.settings()["clock_offset"] == 0
    await api.customers("create", {"name": "Bob"}, key="k")


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("PATCH", "settings", {"clock": 1}, 400),
        ("PATCH", "settings", {"clock_offset": "soon"}, 400),
        ("PATCH", "settings", {"search_lag": -1}, 400),
        ("PATCH", "settings", {"limits": {"endpoint": -5}}, 400),
        ("PATCH", "settings", {"limits": {"colour": 5}}, 400),
        ("PATCH", "settings", [], 400),
        ("POST", "faults", {"kind": "flood"}, 400),
        ("GET", "requests?colour=red", None, 400),
        ("GET", "effects?after=x", None, 400),
        ("GET", "objects/cus_none", None, 404),
        ("PATCH", "objects/cus_none", {"name": "A"}, 404),
    ],
)
def test_a_control_request_that_makes_no_sense_is_a_sentence(
    raw: httpx.Client, method: str, path: str, body: object, status: int
) -> None:
    answer = raw.request(method, f"/_sandbox/{path}", json=body)
    assert (answer.status_code, list(answer.json())) == (status, ["error"])


def test_a_web_page_of_somebody_else_cannot_drive_the_double(raw: httpx.Client) -> None:
    assert raw.post("/_sandbox/reset", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403


def test_it_is_ready_when_its_store_answers(double: Driver) -> None:
    assert double.ready()
