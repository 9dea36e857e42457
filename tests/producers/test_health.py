"""What those who run it ask: alive, ready, measured; and the document of each surface."""

import pytest

from state.postgres.connection import Connection
from tests.conftest import Stack
from tests.consumers.lanes import LaneUnderTest
from tests.logins import let_in, shut
from tests.producers.surfaces import PROFILE, Caller, dashboard_caller, settings

pytestmark = [pytest.mark.asyncio, pytest.mark.stack]


async def test_health_and_metrics_need_no_credentials(dashboard: Caller) -> None:
    await dashboard.http.post(dashboard.profile, json=PROFILE)
    dashboard.http.headers.pop("Authorization")
    assert (await dashboard.http.get("/livez")).json() == {"status": "alive"}
    ready = await dashboard.http.get("/readyz")
    assert (ready.status_code, ready.json()["status"]) == (200, "ready")
    metrics = await dashboard.http.get("/metrics")
    route = 'route="/client/v4/accounts/{account_id}/billing/profile"'
    assert (
        f'billing_http_requests_total{{method="POST",{route},status="200",surface="dashboard"}}'
        in metrics.text
    )
    assert dashboard.account_id not in metrics.text
    document = await dashboard.http.get("/openapi.json")
    assert document.json()["info"]["title"] == "Billing API"


async def test_without_redis_it_is_ready_but_degraded(
    stack: Stack, lane: LaneUnderTest, connection: Connection
) -> None:
    alone = settings(stack, lane, redis_url="redis://127.0.0.1:1/0")
    async with dashboard_caller(alone, connection) as caller:
        ready = await caller.http.get("/readyz")
    assert (ready.status_code, ready.json()["status"]) == (200, "degraded")
    assert ready.json()["checks"] == {"postgres": "ok", "kafka": "ok", "redis": "unreachable"}


async def test_without_kafka_it_is_alive_and_not_ready(
    stack: Stack, lane: LaneUnderTest, connection: Connection
) -> None:
    cut = settings(stack, lane, kafka_bootstrap="127.0.0.1:1")
    async with dashboard_caller(cut, connection) as caller:
        ready = await caller.http.get("/readyz")
        alive = await caller.http.get("/livez")
    assert (ready.status_code, ready.json()["checks"]["kafka"]) == (503, "unreachable")
    assert alive.status_code == 200


async def test_a_database_that_lets_nobody_in_is_a_store_that_is_away(
    stack: Stack, lane: LaneUnderTest, connection: Connection
) -> None:
    async with dashboard_caller(settings(stack, lane), connection) as caller:
        await shut(connection, "dashboard")
        failed = await caller.http.get(caller.profile)
        ready = await caller.http.get("/readyz")
        await let_in(connection)
        again = await caller.http.get(caller.profile)
    assert (failed.status_code, failed.json()["errors"][0]["code"]) == (503, 1503)
    assert "X-Should-Retry" not in failed.headers
    assert (ready.status_code, ready.json()["checks"]["postgres"]) == (503, "unreachable")
    assert again.status_code != 503


async def test_a_database_without_tables_is_not_ready(dashboard: Caller, connection: Connection) -> None:
    await connection.execute("ALTER TABLE journal RENAME TO journal_away")
    missing = await dashboard.http.get("/readyz")
    await connection.execute("ALTER TABLE journal_away RENAME TO journal")
    ready = await dashboard.http.get("/readyz")
    assert (missing.status_code, missing.json()["checks"]["postgres"]) == (503, "unusable")
    assert (ready.status_code, ready.json()["checks"]["postgres"]) == (200, "ok")
