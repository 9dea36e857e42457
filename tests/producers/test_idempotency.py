"""The same key with the same request is the same operation: in flight, over processes, without Redis."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from redis.asyncio import Redis

from producers.dashboard import app as dashboard_app
from state.postgres.connection import Connection, Row
from tests.conftest import Stack
from tests.consumers.lanes import LaneUnderTest, until
from tests.producers.surfaces import PROFILE, Caller, client, dashboard_caller, served, settings, token
from topics.ids import uuid7_floor

pytestmark = [pytest.mark.asyncio, pytest.mark.stack]


@asynccontextmanager
async def second_process(
    stack: Stack, lane: LaneUnderTest, caller: Caller
) -> AsyncIterator[httpx.AsyncClient]:
    app = dashboard_app.create_app(settings(stack, lane))
    async with served(app) as url, client(url, caller.secret) as http:
        yield http


async def journaled(connection: Connection, account_id: str) -> int:
    found: int = await connection.fetchval("SELECT count(*) FROM journal WHERE account_id = $1", account_id)
    return found


async def keys(connection: Connection, account_id: str) -> list[Row]:
    return await connection.fetch("SELECT * FROM idempotency_keys WHERE account_id = $1", account_id)


async def create(http: httpx.AsyncClient, caller: Caller, key: str, **changes: str) -> httpx.Response:
    return await http.post(caller.profile, json={**PROFILE, **changes}, headers={"Idempotency-Key": key})


async def test_a_repeated_request_gets_the_same_operation_and_answer(
    dashboard: Caller, connection: Connection
) -> None:
    first = await create(dashboard.http, dashboard, "order-1")
    again = await create(dashboard.http, dashboard, "order-1")
    assert first.status_code == 200
    assert (again.status_code, again.json()) == (first.status_code, first.json())
    assert again.headers["Operation-Id"] == first.headers["Operation-Id"]
    assert await journaled(connection, dashboard.account_id) == 1


async def test_a_refusal_is_repeated_too(dashboard: Caller, connection: Connection) -> None:
    first = await create(dashboard.http, dashboard, "order-1", zipcode="nowhere")
    again = await create(dashboard.http, dashboard, "order-1", zipcode="nowhere")
    assert first.status_code == 400
    assert (again.status_code, again.json()) == (first.status_code, first.json())
    assert await journaled(connection, dashboard.account_id) == 1


async def test_spacing_and_order_of_fields_do_not_make_another_request(dashboard: Caller) -> None:
    first = await create(dashboard.http, dashboard, "order-1")
    backwards = dict(reversed(PROFILE.items()))
    again = await dashboard.http.post(
        dashboard.profile,
        json={**backwards, "h_captcha_response": "solved"},
        headers={"Idempotency-Key": "order-1"},
    )
    assert again.json() == first.json()


async def test_a_key_used_with_another_request_is_refused(dashboard: Caller) -> None:
    await create(dashboard.http, dashboard, "order-1")
    other_body = await create(dashboard.http, dashboard, "order-1", first_name="Augusta")
    assert (other_body.status_code, other_body.json()["errors"][0]["code"]) == (409, 1312)
    key = {"Idempotency-Key": "order-1"}
    other_method = await dashboard.http.put(dashboard.profile, json=PROFILE, headers=key)
    assert (other_method.status_code, other_method.json()["errors"][0]["code"]) == (409, 1312)


async def test_two_callers_may_use_the_same_key(dashboard: Caller, connection: Connection) -> None:
    await create(dashboard.http, dashboard, "order-1")
    other = await token(connection, dashboard.account_id)
    answer = await dashboard.http.patch(
        dashboard.profile,
        json={"preferred_locale": "de"},
        headers={"Idempotency-Key": "order-1", "Authorization": f"Bearer {other}"},
    )
    assert answer.status_code == 200


async def test_many_at_once_over_two_processes_are_one_operation(
    stack: Stack, lane: LaneUnderTest, dashboard: Caller, connection: Connection
) -> None:
    async with second_process(stack, lane, dashboard) as other:
        answers = await asyncio.gather(
            *(create(http, dashboard, "order-1") for http in (dashboard.http, other) for _ in range(5))
        )
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.headers["Operation-Id"] for answer in answers}) == 1
    assert len({answer.text for answer in answers}) == 1
    assert await journaled(connection, dashboard.account_id) == 1


async def test_it_holds_when_redis_was_emptied(
    dashboard: Caller, connection: Connection, redis: Redis
) -> None:
    first = await create(dashboard.http, dashboard, "order-1")
    await redis.flushdb()
    again = await create(dashboard.http, dashboard, "order-1")
    assert again.json() == first.json()
    assert await journaled(connection, dashboard.account_id) == 1


async def test_a_request_in_flight_is_not_sent_twice(
    stack: Stack, idle_lane: LaneUnderTest, connection: Connection
) -> None:
    async with dashboard_caller(settings(stack, idle_lane), connection) as caller:
        waiting = [asyncio.create_task(create(caller.http, caller, "order-1")) for _ in range(3)]
        await until(lambda: keys(connection, caller.account_id))
        async with idle_lane.running():
            answers = await asyncio.gather(*waiting)
    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert len({answer.headers["Operation-Id"] for answer in answers}) == 1
    assert await journaled(connection, caller.account_id) == 1


async def test_a_key_whose_command_never_left_is_published_by_the_repetition(
    stack: Stack, lane: LaneUnderTest, connection: Connection
) -> None:
    cut = settings(stack, lane, kafka_bootstrap="127.0.0.1:1", publish_seconds=0.3)
    async with dashboard_caller(cut, connection) as caller:
        failed = await create(caller.http, caller, "order-1")
        assert (failed.status_code, failed.json()["errors"][0]["code"]) == (503, 1503)
        assert failed.headers["Retry-After"]
        async with second_process(stack, lane, caller) as whole:
            done = await create(whole, caller, "order-1")
            assert (done.status_code, done.headers["Operation-Id"]) == (200, failed.headers["Operation-Id"])
            assert (await create(whole, caller, "order-1")).status_code == 200
    assert await journaled(connection, caller.account_id) == 1


async def test_a_key_too_old_to_be_published_is_refused(dashboard: Caller, connection: Connection) -> None:
    await create(dashboard.http, dashboard, "order-1")
    old = uuid7_floor(datetime.now(UTC) - timedelta(days=40))
    await connection.execute(
        "UPDATE idempotency_keys SET command_id = $1 WHERE account_id = $2", old, dashboard.account_id
    )
    late = await create(dashboard.http, dashboard, "order-1")
    assert (late.status_code, late.json()["errors"][0]["code"]) == (409, 1312)


@pytest.mark.parametrize("key", ["", "x" * 256, "caf\u00e9", "tab\there"])
async def test_a_key_has_up_to_255_printable_characters(dashboard: Caller, key: str) -> None:
    headers = [(b"Idempotency-Key", key.encode())]
    refused = await dashboard.http.post(dashboard.profile, json=PROFILE, headers=headers)
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (400, 1400)


@pytest.mark.parametrize("second", ["order-2", "order-1", ""])
async def test_of_two_keys_none_is_passed_over(
    dashboard: Caller, connection: Connection, second: str
) -> None:
    headers = [("Idempotency-Key", "order-1"), ("Idempotency-Key", second)]
    refused = await dashboard.http.post(dashboard.profile, json=PROFILE, headers=headers)
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (400, 1400)
    assert await keys(connection, dashboard.account_id) == []


async def test_a_key_of_255_characters_is_taken(dashboard: Caller) -> None:
    assert (await create(dashboard.http, dashboard, "x" * 255)).status_code == 200


async def test_only_a_hash_of_the_key_is_kept(dashboard: Caller, connection: Connection) -> None:
    await create(dashboard.http, dashboard, "ada@example.com")
    (row,) = await keys(connection, dashboard.account_id)
    assert "ada@example.com" not in f"{row}"
