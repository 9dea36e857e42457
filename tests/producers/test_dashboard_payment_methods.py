"""Payment methods at the Dashboard: what is published, what is handed over beside it, and how the end is waited for."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from unittest.mock import AsyncMock
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import asyncpg
import httpx
import orjson
import pytest
import pytest_asyncio
from redis.exceptions import RedisError

from sandbox.local.proxy import FaultProxy
from state.postgres.connection import Connection
from state.redis import handover
from tests.conftest import Stack
from tests.consumers.lanes import LaneUnderTest, until
from tests.producers.performing import NOW, Performer, nonce, vaulted
from tests.producers.surfaces import Caller, dashboard_caller, settings
from topics.payment_methods import (
    MethodKind,
    PaymentMethodActionRequired,
    PaymentMethodDeclined,
    SetupStarted,
)

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.stack]

CARD = {"type": "CREDIT_CARD", "payment_nonce": "pm_1", "nick_name": "Team"}
PAYPAL = {"type": "PAYPAL", "payment_nonce": "a-secret-nonce", "device_data": '{"correlation_id":"c"}'}


@pytest_asyncio.fixture(loop_scope="session")
async def store(stack: Stack) -> AsyncIterator[Connection]:
    connection = await asyncpg.connect(stack.database_url)
    yield connection
    await connection.close()


@pytest.fixture
def performer(lane: LaneUnderTest, store: Connection, dashboard: Caller) -> Performer:
    return Performer(lane, store, dashboard.account_id)


def methods(caller: Caller, rest: str = "") -> str:
    return f"/client/v4/accounts/{caller.account_id}/payment-methods{rest}"


async def added(performer: Performer, caller: Caller, body: dict[str, str] | None = None) -> dict[str, Any]:
    """A method that its processor kept."""
    given = {**CARD, "payment_nonce": nonce(), **(body or {})}
    asked = asyncio.create_task(caller.http.post(methods(caller), json=given))
    await performer.keeps(MethodKind(given["type"]))
    answer = await asked
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()["result"]
    return found


async def test_the_answer_waits_until_the_processor_keeps_the_method(
    dashboard: Caller, performer: Performer
) -> None:
    found = await added(performer, dashboard)
    assert (found["status"], found["default"], found["last_four"]) == ("active", True, "4242")
    shown = (await dashboard.http.get(methods(dashboard, f"/{found['id']}"))).json()["result"]
    assert shown == found


async def test_a_nonce_is_handed_over_and_stands_nowhere_else(
    dashboard: Caller, performer: Performer, lane: LaneUnderTest, store: Connection
) -> None:
    found = await added(performer, dashboard, PAYPAL)
    assert (found["type"], found["payment_email"]) == ("PAYPAL", "payer@example.com")
    row = await store.fetchrow(
        "SELECT command_id, body FROM journal WHERE account_id = $1 AND type LIKE '%.add.v1'",
        dashboard.account_id,
    )
    assert row is not None
    assert "nonce" not in row["body"]
    given = await handover.look(lane.redis, UUID(str(row["command_id"])))
    assert given == {"nonce": PAYPAL["payment_nonce"], "device_data": PAYPAL["device_data"]}


async def test_a_declined_card_is_a_refusal_with_what_to_do(dashboard: Caller, performer: Performer) -> None:
    asked = asyncio.create_task(dashboard.http.post(methods(dashboard), json=CARD))
    effect = await performer.owed()
    method_id = orjson.loads(effect["payload"])["method_id"]
    await performer.conclude(
        effect,
        PaymentMethodDeclined(
            method_id=method_id, code="insufficient_funds", reason="The card has too little.", permanent=False
        ),
    )
    answer = await asked
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (402, 1210)
    assert "Try again later" in answer.json()["errors"][0]["message"]
    assert (await dashboard.http.get(methods(dashboard))).json()["result"] == []


async def test_a_card_that_wants_authentication_comes_with_its_secret_and_no_stranger_gets_it(
    dashboard: Caller, performer: Performer, lane: LaneUnderTest, store: Connection
) -> None:
    asked = asyncio.create_task(dashboard.http.post(methods(dashboard), json=CARD))
    effect = await performer.owed()
    method_id = orjson.loads(effect["payload"])["method_id"]
    await performer.hand_over(effect, "seti_1_secret_x")
    deadline = NOW.at
    await performer.conclude(
        effect, PaymentMethodActionRequired(method_id=method_id, setup_intent="seti_1", deadline=deadline)
    )
    answer = await asked
    result = answer.json()["result"]
    assert (result["status"], result["client_secret"]) == ("requires_action", "seti_1_secret_x")
    operation = f"/client/v4/operations/{answer.headers['Operation-Id']}"
    again = (await dashboard.http.get(operation)).json()["result"]
    assert (again["status"], again["result"]["client_secret"]) == ("applied", "seti_1_secret_x")
    kept = await store.fetchval("SELECT count(*) FROM journal WHERE answer LIKE '%seti_1_secret%'")
    assert kept == 0


async def test_a_key_repeated_when_the_secret_is_gone_gives_the_answer_without_it(
    dashboard: Caller, performer: Performer, lane: LaneUnderTest
) -> None:
    async def ask() -> httpx.Response:
        return await dashboard.http.post(methods(dashboard), json=CARD, headers={"Idempotency-Key": "one"})

    asked = asyncio.create_task(ask())
    effect = await performer.owed()
    method_id = orjson.loads(effect["payload"])["method_id"]
    await performer.hand_over(effect, "seti_1_secret_x")
    waits = PaymentMethodActionRequired(method_id=method_id, setup_intent="seti_1", deadline=NOW.at)
    await performer.conclude(effect, waits)
    first = (await asked).json()["result"]
    await lane.redis.delete(f"handover:{effect['cause']}")
    late = await ask()
    assert (late.status_code, late.json()["result"]) == (200, {**first, "client_secret": None})


async def test_a_key_for_a_client_secret_that_is_gone_is_of_no_use_any_more(
    dashboard: Caller, performer: Performer, lane: LaneUnderTest
) -> None:
    path = f"/client/v4/accounts/{dashboard.account_id}/client-secret"

    async def ask() -> httpx.Response:
        return await dashboard.http.post(path, headers={"Idempotency-Key": "two"})

    asked = asyncio.create_task(ask())
    effect = await performer.owed()
    await performer.hand_over(effect, "seti_2_secret_x")
    await performer.conclude(effect, SetupStarted(setup_intent="seti_2", deadline=NOW.at))
    assert (await asked).json()["result"]["client_secret"] == "seti_2_secret_x"
    assert (await ask()).json()["result"]["client_secret"] == "seti_2_secret_x"
    await lane.redis.delete(f"handover:{effect['cause']}")
    late = await ask()
    assert (late.status_code, late.json()["errors"][0]["code"]) == (409, 1312)


async def test_an_operation_is_pending_until_its_end(
    dashboard: Caller, performer: Performer, store: Connection
) -> None:
    first = await dashboard.http.post(methods(dashboard), json=CARD, headers={"Prefer": "respond-async"})
    assert first.status_code == 202
    effect = await performer.owed()
    operation = first.headers["Location"]
    assert (await dashboard.http.get(operation)).json()["result"]["status"] == "pending"
    await performer.conclude(effect, vaulted(orjson.loads(effect["payload"])["method_id"]))

    async def applied() -> bool:
        return bool((await dashboard.http.get(operation)).json()["result"]["status"] == "applied")

    await until(applied)


async def test_a_repeated_key_waits_for_the_same_end(dashboard: Caller, performer: Performer) -> None:
    key = {"Idempotency-Key": uuid4().hex}
    body = {**CARD, "payment_nonce": f"pm_{uuid4().hex}"}
    both = [
        asyncio.create_task(dashboard.http.post(methods(dashboard), json=body, headers=key)) for _ in (1, 2)
    ]
    effect = await performer.owed()
    await performer.conclude(effect, vaulted(orjson.loads(effect["payload"])["method_id"]))
    first, second = await asyncio.gather(*both)
    third = await dashboard.http.post(methods(dashboard), json=body, headers=key)
    assert first.json() == second.json() == third.json()
    other = await dashboard.http.post(methods(dashboard), json={**body, "type": "LINK"}, headers=key)
    assert other.json()["errors"][0]["code"] == 1312


async def test_a_second_nonce_under_one_key_is_another_request(
    dashboard: Caller, performer: Performer
) -> None:
    key = {"Idempotency-Key": uuid4().hex, "Prefer": "respond-async"}
    await dashboard.http.post(methods(dashboard), json=PAYPAL, headers=key)
    other = {**PAYPAL, "payment_nonce": "another"}
    answer = await dashboard.http.post(methods(dashboard), json=other, headers=key)
    assert answer.json()["errors"][0]["code"] == 1312


async def test_a_client_secret_is_told_to_whoever_asked(
    dashboard: Caller, performer: Performer, lane: LaneUnderTest
) -> None:
    path = f"/client/v4/accounts/{dashboard.account_id}/billing/profile/payment-method"
    asked = asyncio.create_task(dashboard.http.post(path))
    effect = await performer.owed()
    await performer.hand_over(effect, "seti_2_secret_y")
    await performer.conclude(effect, SetupStarted(setup_intent="seti_2", deadline=NOW.at))
    result = (await asked).json()["result"]
    assert (result["client_secret"], result["intent_type"]) == ("seti_2_secret_y", "setup_intent")


async def test_a_secret_that_got_lost_is_not_passed_over(dashboard: Caller, performer: Performer) -> None:
    path = f"/client/v4/accounts/{dashboard.account_id}/client-secret"
    asked = asyncio.create_task(dashboard.http.post(path))
    effect = await performer.owed()
    await performer.conclude(effect, SetupStarted(setup_intent="seti_3", deadline=NOW.at))
    answer = await asked
    assert (answer.status_code, answer.headers["X-Should-Retry"]) == (503, "false")
    assert answer.headers["Operation-Id"] == effect["cause"]


async def test_a_secret_that_can_t_be_read_right_now_is_not_given_up(
    dashboard: Caller, performer: Performer, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = f"/client/v4/accounts/{dashboard.account_id}/client-secret"
    key = {"Idempotency-Key": uuid4().hex}
    with monkeypatch.context() as broken:
        broken.setattr(handover, "look", AsyncMock(side_effect=RedisError))
        asked = asyncio.create_task(dashboard.http.post(path, headers=key))
        effect = await performer.owed()
        await performer.hand_over(effect, "seti_4_secret_z")
        await performer.conclude(effect, SetupStarted(setup_intent="seti_4", deadline=NOW.at))
        answer = await asked
    assert (answer.status_code, "try again" in answer.json()["errors"][0]["message"]) == (503, True)
    assert answer.headers["Operation-Id"] == effect["cause"]
    assert "X-Should-Retry" not in answer.headers  # with its key it may be repeated
    again = await dashboard.http.post(path, headers=key)
    assert again.json()["result"]["client_secret"] == "seti_4_secret_z"


async def test_without_redis_a_nonce_is_not_taken(
    stack: Stack, idle_lane: LaneUnderTest, store: Connection
) -> None:
    away = settings(stack, idle_lane, redis_url="redis://127.0.0.1:1/0")
    async with dashboard_caller(away, store) as caller:
        answer = await caller.http.post(methods(caller), json=PAYPAL)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (503, 1503)


async def test_a_slow_redis_carries_a_nonce_all_the_same(
    stack: Stack, idle_lane: LaneUnderTest, store: Connection
) -> None:
    port = urlsplit(stack.redis_url).port
    assert port is not None
    async with FaultProxy(port) as proxy:
        proxy.latency = 0.3
        slow = settings(stack, idle_lane, redis_url=f"redis://127.0.0.1:{proxy.port}/0")
        async with dashboard_caller(slow, store) as caller:
            answer = await caller.http.post(methods(caller), json=PAYPAL, headers={"Prefer": "respond-async"})
    assert answer.status_code == 202


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"type": "CREDIT_CARD", "payment_nonce": "tok_visa"}, "/payment_nonce"),
        ({"type": "CREDIT_CARD", "payment_nonce": "4242 4242 4242 4242"}, "/payment_nonce"),
        ({**CARD, "nick_name": "4000-0566-5566-5556"}, "/nick_name"),
        ({"type": "PAYPAL", "payment_nonce": " "}, "/payment_nonce"),
        ({"type": "CHEQUE", "payment_nonce": "pm_1"}, "/type"),
        ({"payment_nonce": "pm_1"}, "/type"),
        ({**CARD, "colour": "red"}, "/colour"),
    ],
)
async def test_what_can_t_be_a_method_is_refused_with_its_field(
    dashboard: Caller, body: dict[str, str], pointer: str
) -> None:
    answer = await dashboard.http.post(methods(dashboard), json=body)
    assert answer.status_code == 400
    (error,) = answer.json()["errors"]
    assert error["source"]["pointer"] == pointer
    assert "4242" not in answer.text


async def test_methods_are_listed_in_pages(dashboard: Caller, performer: Performer) -> None:
    first, second = await added(performer, dashboard), await added(performer, dashboard)
    answer = (await dashboard.http.get(methods(dashboard), params={"page": 1, "per_page": 5})).json()
    assert [one["id"] for one in answer["result"]] == [first["id"], second["id"]]
    assert answer["result_info"] == {
        "page": 1,
        "per_page": 5,
        "count": 2,
        "total_count": 2,
        "total_pages": 1,
    }
    beyond = (await dashboard.http.get(methods(dashboard), params={"page": 7})).json()
    assert (beyond["result"], beyond["result_info"]["count"]) == ([], 0)
    for wrong in ({"page": 0}, {"per_page": 51}, {"per_page": "many"}):
        bad: httpx.Response = await dashboard.http.get(methods(dashboard), params=wrong)
        assert bad.status_code == 400


async def test_a_method_is_edited_chosen_and_removed(dashboard: Caller, performer: Performer) -> None:
    first, second = await added(performer, dashboard), await added(performer, dashboard)
    edited = await dashboard.http.put(
        methods(dashboard, f"/{first['id']}"), json={**first, "nick_name": "Old"}
    )
    assert edited.json()["result"]["nick_name"] == "Old"
    chosen = await dashboard.http.post(methods(dashboard, f"/{second['id']}/set-as-default"))
    assert chosen.json()["result"]["default"] is True
    gone = await dashboard.http.delete(methods(dashboard, f"/{first['id']}"))
    assert gone.json()["result"] == {"id": first["id"]}
    assert (await dashboard.http.get(methods(dashboard, f"/{first['id']}"))).status_code == 404
    assert (await dashboard.http.get(methods(dashboard, "/nothing"))).status_code == 404
    assert (await dashboard.http.delete(methods(dashboard, "/nothing"))).status_code == 404
