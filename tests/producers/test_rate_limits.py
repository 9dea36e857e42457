"""How often one may ask: per token, per account, per address; open while Redis is away."""

from dataclasses import replace

import pytest
from redis.asyncio import Redis

from observability.metrics import RATE_LIMIT_OPEN
from state.postgres.connection import Connection
from state.redis.rate_limits import Rate
from tests.conftest import Stack
from tests.consumers.lanes import LaneUnderTest
from tests.producers.surfaces import UNLIMITED, dashboard_caller, settings, token

pytestmark = [pytest.mark.asyncio, pytest.mark.stack]

THREE = Rate(per_second=0.01, burst=3)


async def test_a_token_that_asks_too_often_is_told_when_to_come_again(
    stack: Stack, lane: LaneUnderTest, connection: Connection
) -> None:
    limited = settings(stack, lane, rates=replace(UNLIMITED, caller=THREE))
    async with dashboard_caller(limited, connection) as caller:
        statuses = [(await caller.http.get(caller.profile)).status_code for _ in range(4)]
        refused = await caller.http.get(caller.profile)
        other = await token(connection, caller.account_id)
        free = await caller.http.get(caller.profile, headers={"Authorization": f"Bearer {other}"})
    assert statuses == [404, 404, 404, 429]
    assert refused.json()["errors"][0]["code"] == 1429
    assert 1 <= int(refused.headers["Retry-After"]) <= 100
    assert free.status_code == 404


async def test_the_tokens_of_one_account_share_its_limit(
    stack: Stack, lane: LaneUnderTest, connection: Connection
) -> None:
    limited = settings(stack, lane, rates=replace(UNLIMITED, account=THREE))
    async with dashboard_caller(limited, connection) as caller:
        others = [await token(connection, caller.account_id) for _ in range(4)]
        statuses = [
            (await caller.http.get(caller.profile, headers={"Authorization": f"Bearer {secret}"})).status_code
            for secret in others
        ]
    assert statuses == [404, 404, 404, 429]


async def test_guesses_at_other_accounts_do_not_use_up_their_limit(
    stack: Stack, lane: LaneUnderTest, connection: Connection
) -> None:
    limited = settings(stack, lane, rates=replace(UNLIMITED, account=THREE))
    async with (
        dashboard_caller(limited, connection) as victim,
        dashboard_caller(limited, connection) as thief,
    ):
        for _ in range(5):
            await thief.http.get(victim.profile)
        assert (await victim.http.get(victim.profile)).status_code == 404


async def test_an_address_without_credentials_has_a_limit_too(
    stack: Stack, lane: LaneUnderTest, connection: Connection, redis: Redis
) -> None:
    await redis.delete("rate:dashboard:address:127.0.0.1")
    limited = settings(stack, lane, rates=replace(UNLIMITED, address=THREE))
    async with dashboard_caller(limited, connection) as caller:
        path = "/client/v4/billing/address-validation"
        statuses = [(await caller.http.post(path, json={"country": "US"})).status_code for _ in range(4)]
    await redis.delete("rate:dashboard:address:127.0.0.1")
    assert statuses == [200, 200, 200, 429]


async def test_without_redis_everybody_is_let_through_and_counted(
    stack: Stack, lane: LaneUnderTest, connection: Connection
) -> None:
    before = RATE_LIMIT_OPEN.labels(surface="dashboard")._value.get()
    limited = settings(stack, lane, redis_url="redis://127.0.0.1:1/0", rates=replace(UNLIMITED, caller=THREE))
    async with dashboard_caller(limited, connection) as caller:
        statuses = {(await caller.http.get(caller.profile)).status_code for _ in range(6)}
    assert statuses == {404}
    assert RATE_LIMIT_OPEN.labels(surface="dashboard")._value.get() == before + 6


async def test_an_address_that_guesses_at_tokens_is_told_to_wait_and_a_token_known_to_hold_is_not(
    stack: Stack, lane: LaneUnderTest, connection: Connection, redis: Redis
) -> None:
    await redis.flushdb()
    limited = settings(stack, lane, rates=replace(UNLIMITED, failures=THREE))
    async with dashboard_caller(limited, connection) as caller:
        assert (await caller.http.get(caller.profile)).status_code == 404
        guess = {"Authorization": f"Bearer {caller.secret[:-4]}0000"}
        statuses = [(await caller.http.get(caller.profile, headers=guess)).status_code for _ in range(5)]
        refused = await caller.http.get(caller.profile, headers=guess)
        good = await caller.http.get(caller.profile)
    assert statuses[:3] == [401, 401, 401]
    assert statuses[3:] == [429, 429]
    assert refused.json()["errors"][0]["code"] == 1429
    assert int(refused.headers["Retry-After"]) >= 1
    assert good.status_code == 404
