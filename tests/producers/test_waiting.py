"""Waiting for the outcome, and what the caller is told when it takes longer or nobody can tell."""

import asyncio
import json
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from aiokafka.client import AIOKafkaClient
from aiokafka.protocol.produce import ProduceRequest
from prometheus_client import REGISTRY
from redis.asyncio import Redis

from producers.trace import new_id
from state.postgres.connection import Connection
from state.postgres.journal import Days
from tests.conftest import Stack
from tests.consumers.lanes import CUSTOMER, LaneUnderTest, until
from tests.producers.surfaces import PROFILE, Caller, account, dashboard_caller, settings, token
from topics.codec import encode_headers
from topics.message import Envelope
from topics.profiles import DeleteProfile

pytestmark = [pytest.mark.asyncio, pytest.mark.stack]

NO_REDIS = "redis://127.0.0.1:1/0"


async def test_what_takes_too_long_is_answered_with_its_operation(
    stack: Stack, idle_lane: LaneUnderTest, connection: Connection
) -> None:
    async with dashboard_caller(settings(stack, idle_lane, wait_seconds=0.2), connection) as caller:
        answer = await caller.http.post(caller.profile, json=PROFILE)
        assert answer.status_code == 202
        operation_id = answer.json()["result"]["operation_id"]
        assert answer.json()["result"] == {"operation_id": operation_id, "status": "pending"}
        assert answer.headers["Location"] == f"/client/v4/operations/{operation_id}"
        pending = (await caller.http.get(answer.headers["Location"])).json()["result"]
        assert (pending["status"], pending["account_id"]) == ("pending", caller.account_id)

        async def decided() -> bool:
            shown = await caller.http.get(answer.headers["Location"])
            return bool(shown.json()["result"]["status"] == "applied")

        async with idle_lane.running():
            await until(decided)
        applied = (await caller.http.get(answer.headers["Location"])).json()["result"]
        assert applied["result"] == (await caller.http.get(caller.profile)).json()["result"]
        assert applied["errors"] == []


async def test_a_caller_may_prefer_not_to_wait(dashboard: Caller) -> None:
    answer = await dashboard.http.post(
        dashboard.profile, json=PROFILE, headers={"Prefer": "respond-async, wait=5"}
    )
    assert answer.status_code == 202
    assert answer.headers["Preference-Applied"] == "respond-async"
    assert answer.json()["result"]["status"] == "pending"


async def test_a_preference_may_stand_in_a_field_of_its_own(dashboard: Caller) -> None:
    """RFC 7240, 2: several fields are read as one list."""
    fields = [("Prefer", "handling=lenient"), ("Prefer", "respond-async")]
    answer = await dashboard.http.post(dashboard.profile, json=PROFILE, headers=fields)
    assert (answer.status_code, answer.headers["Preference-Applied"]) == (202, "respond-async")


async def test_a_refused_operation_tells_why_for_ever(dashboard: Caller) -> None:
    answer = await dashboard.http.post(
        dashboard.profile,
        json={**PROFILE, "zipcode": "nowhere"},
        headers={"Prefer": "respond-async"},
    )

    async def shown() -> dict[str, object]:
        found: dict[str, object] = (await dashboard.http.get(answer.headers["Location"])).json()["result"]
        return found

    async def decided() -> bool:
        return (await shown())["status"] != "pending"

    await until(decided)
    refused = await shown()
    assert refused["status"] == "refused"
    assert refused["result"] is None
    errors = refused["errors"]
    assert isinstance(errors, list)
    assert errors[0]["code"] == 1400
    assert errors[0]["source"] == {"pointer": "/zipcode"}


async def test_everything_works_without_redis(
    stack: Stack, lane: LaneUnderTest, connection: Connection
) -> None:
    async with dashboard_caller(settings(stack, lane, redis_url=NO_REDIS), connection) as caller:
        created = await caller.http.post(caller.profile, json=PROFILE, headers={"Idempotency-Key": "order-1"})
        assert created.status_code == 200
        again = await caller.http.post(caller.profile, json=PROFILE, headers={"Idempotency-Key": "order-1"})
        assert again.json() == created.json()
        assert (await caller.http.get(caller.profile)).json() == created.json()
        later = await caller.http.put(caller.profile, json=PROFILE, headers={"Prefer": "respond-async"})
        assert later.status_code == 202


async def test_a_young_operation_counts_as_pending_while_redis_cannot_be_asked(
    stack: Stack, lane: LaneUnderTest, connection: Connection
) -> None:
    async with dashboard_caller(settings(stack, lane, redis_url=NO_REDIS), connection) as caller:
        shown = await caller.http.get(f"/client/v4/operations/{new_id()}")
        assert shown.json()["result"]["status"] == "pending"
        assert shown.json()["result"]["account_id"] is None


async def test_an_accepted_operation_is_not_denied_when_redis_was_emptied(
    stack: Stack, idle_lane: LaneUnderTest, connection: Connection, redis: Redis
) -> None:
    async with dashboard_caller(settings(stack, idle_lane, wait_seconds=0.2), connection) as caller:
        taken = await caller.http.post(caller.profile, json=PROFILE)
        assert taken.status_code == 202
        await redis.flushdb()
        shown = await caller.http.get(taken.headers["Location"])
        assert shown.json()["result"]["status"] == "pending"
        await caller.http.post(caller.profile, json=PROFILE)  # marks again
        shown = await caller.http.get(taken.headers["Location"])
        assert shown.json()["result"]["status"] == "pending"
        async with idle_lane.running():
            await until(lambda: _applied(caller, taken.headers["Location"]))


async def _applied(caller: Caller, location: str) -> bool:
    return bool((await caller.http.get(location)).json()["result"]["status"] == "applied")


async def test_an_id_that_nobody_made_is_no_operation(dashboard: Caller, redis: Redis) -> None:
    await dashboard.http.put(dashboard.profile, json=PROFILE, headers={"Prefer": "respond-async"})
    await redis.set("operations:since", 0)
    assert (await dashboard.http.get(f"/client/v4/operations/{new_id()}")).status_code == 404


async def test_a_lost_announcement_costs_only_a_look_into_the_journal(
    stack: Stack, idle_lane: LaneUnderTest, connection: Connection
) -> None:
    """The outcome is written behind the back of Redis, as by a worker that died after its commit."""
    async with dashboard_caller(settings(stack, idle_lane), connection) as caller:
        asked = asyncio.create_task(
            caller.http.delete(caller.profile, headers={"Idempotency-Key": "order-1"})
        )
        asking = "SELECT command_id FROM idempotency_keys WHERE account_id = $1"
        await until(lambda: connection.fetchval(asking, caller.account_id))
        command_id = await connection.fetchval(asking, caller.account_id)
        await Days().ensure(connection, [command_id])
        await connection.execute(
            "INSERT INTO journal (command_id, account_id, type, lane, actor, actor_role, surface, outcome, code, "
            "answer, decided_at) VALUES ($1, $2, 'billing.profiles.delete.v1', 'commands', 'x', 'customer', 'x', "
            "'refused', 1404, $3, $4)",
            command_id,
            caller.account_id,
            json.dumps({"message": "There is no billing profile yet.", "problems": []}),
            datetime.now(UTC),
        )
        answer = await asked
    assert answer.status_code == 404
    assert answer.json()["errors"] == [{"code": 1404, "message": "There is no billing profile yet."}]


async def test_a_parked_operation_says_so(dashboard: Caller, connection: Connection) -> None:
    command_id = new_id()
    await connection.execute(
        "INSERT INTO parked_commands (account_id, command_id, lane, topic, partition, record_offset, timestamp_ms, "
        "headers, body, parked_at) VALUES ($1, $2, 'commands', 't', 0, 0, 0, '[]', '', now())",
        dashboard.account_id,
        command_id,
    )
    shown = await dashboard.http.get(f"/client/v4/operations/{command_id}")
    assert shown.json()["result"]["status"] == "parked"


async def test_an_operation_that_became_a_dead_letter_says_so_until_it_is_published_again(
    stack: Stack, idle_lane: LaneUnderTest, connection: Connection
) -> None:
    async with dashboard_caller(settings(stack, idle_lane), connection) as caller:
        command_id, wanted = new_id(), DeleteProfile()
        asked = Envelope(command_id, wanted.type, caller.account_id, CUSTOMER, reply_to="replies:somebody")
        body, headers = b'{"from": "a later release"}', encode_headers(asked)
        await idle_lane.raw(caller.account_id.encode(), body, headers)
        path = f"/client/v4/operations/{command_id}"

        async def status() -> str | None:
            result = (await caller.http.get(path)).json()["result"]
            return str(result["status"]) if result else None

        async def has(wanted: str) -> bool:
            return await status() == wanted

        async with idle_lane.running():
            await until(lambda: has("dead_letter"))
            shown = (await caller.http.get(path)).json()["result"]
            assert (shown["status"], shown["account_id"], shown["type"]) == (
                "dead_letter",
                caller.account_id,
                wanted.type,
            )
            assert [one["code"] for one in shown["errors"]] == [1500]
            stranger = {"Authorization": f"Bearer {await token(connection, await account(connection))}"}
            assert (await caller.http.get(path, headers=stranger)).status_code == 404
            await idle_lane.publish(caller.account_id, wanted, command_id=command_id)
            await until(lambda: has("refused"))


async def test_operations_of_other_accounts_do_not_exist(
    dashboard: Caller, connection: Connection, redis: Redis
) -> None:
    answer = await dashboard.http.post(dashboard.profile, json=PROFILE)
    stranger = await token(connection, await account(connection))
    for operation_id in (answer.headers["Operation-Id"], str(new_id()), str(uuid4()), "x"):
        shown = await dashboard.http.get(
            f"/client/v4/operations/{operation_id}", headers={"Authorization": f"Bearer {stranger}"}
        )
        assert shown.status_code == 404
        assert shown.json()["errors"][0]["message"] == "There is no such operation."


async def test_a_broker_that_cannot_be_reached_is_told_at_once(
    stack: Stack, lane: LaneUnderTest, connection: Connection
) -> None:
    cut = settings(stack, lane, kafka_bootstrap="127.0.0.1:1", publish_seconds=0.3)
    async with dashboard_caller(cut, connection) as caller:
        failed = await caller.http.post(caller.profile, json=PROFILE)
    assert (failed.status_code, failed.json()["errors"][0]["code"]) == (503, 1503)
    assert failed.headers["Retry-After"] == "2"
    assert "X-Should-Retry" not in failed.headers  # nothing was published, so repeating is safe


@pytest.mark.parametrize("key", [{}, {"Idempotency-Key": "order-1"}])
async def test_what_kafka_may_have_is_named_and_can_be_asked_for(
    stack: Stack,
    idle_lane: LaneUnderTest,
    connection: Connection,
    monkeypatch: pytest.MonkeyPatch,
    key: dict[str, str],
) -> None:
    """Kafka took the request and its acknowledgement never came."""
    send = AIOKafkaClient.send

    async def unanswered(self: AIOKafkaClient, node: int, request: Any, **options: Any) -> Any:
        found = await send(self, node, request, **options)
        if isinstance(request, ProduceRequest):
            await asyncio.Event().wait()
        return found

    async with dashboard_caller(settings(stack, idle_lane, publish_seconds=1.0), connection) as caller:
        await until(lambda: _ready(caller))
        with monkeypatch.context() as hanging:
            hanging.setattr(AIOKafkaClient, "send", unanswered)
            failed = await caller.http.post(caller.profile, json=PROFILE, headers=key)
        assert (failed.status_code, failed.json()["errors"][0]["code"]) == (503, 1503)
        assert "It is not known" in failed.json()["errors"][0]["message"]
        assert failed.headers.get("X-Should-Retry") == (None if key else "false")
        operation = f"/client/v4/operations/{failed.headers['Operation-Id']}"
        shown = (await caller.http.get(operation)).json()["result"]
        assert (shown["status"], shown["account_id"]) == ("pending", caller.account_id)
        async with idle_lane.running():
            await until(lambda: _applied(caller, operation))


async def _ready(caller: Caller) -> bool:
    return (await caller.http.get("/readyz")).status_code == 200


async def test_reads_say_when_postgres_cannot_be_asked(
    stack: Stack, lane: LaneUnderTest, dashboard: Caller, connection: Connection
) -> None:
    cut = settings(stack, lane, database_url="postgresql://nobody@127.0.0.1:1/none")
    async with dashboard_caller(cut, connection) as caller:
        failed = await caller.http.get(caller.profile)
        ready = await caller.http.get("/readyz")
    assert (failed.status_code, failed.json()["errors"][0]["code"]) == (503, 1503)
    assert (ready.status_code, ready.json()["checks"]["postgres"]) == (503, "unreachable")


async def test_a_journal_that_cannot_be_read_for_a_while_is_looked_into_afterwards(
    stack: Stack, idle_lane: LaneUnderTest, connection: Connection
) -> None:
    asked_of = settings(stack, idle_lane, redis_url=NO_REDIS, wait_seconds=25)
    async with dashboard_caller(asked_of, connection) as caller:
        asked = asyncio.create_task(caller.http.post(caller.profile, json=PROFILE))
        await until(_somebody_waits)
        await connection.execute("ALTER TABLE journal RENAME TO journal_away")
        await asyncio.sleep(0.5)  # Ten looks into it.
        await connection.execute("ALTER TABLE journal_away RENAME TO journal")
        async with idle_lane.running():
            answer = await asked
    assert answer.status_code == 200


async def _somebody_waits() -> bool:
    return bool(REGISTRY.get_sample_value("billing_http_waiting", {"surface": "dashboard"}))
