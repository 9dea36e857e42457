"""How often one may ask: per token, per account, per address; open while Redis is away."""

from collections.abc import AsyncIterator
from dataclasses import replace

import httpx
import pytest
import pytest_asyncio
from redis.asyncio import Redis

from observability.metrics import RATE_LIMIT_OPEN
from producers.dashboard import access
from state.postgres import api_tokens
from state.postgres.connection import Connection
from state.redis.rate_limits import Rate
from tests.conftest import Stack
from tests.consumers.lanes import LaneUnderTest
from tests.producers.surfaces import UNLIMITED, Caller, dashboard_caller, settings, token

pytestmark = [pytest.mark.asyncio, pytest.mark.stack]

THREE = Rate(per_second=0.01, burst=3)
ELSEWHERE = ("192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4")


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


@pytest_asyncio.fixture
async def fresh(redis: Redis) -> AsyncIterator[None]:
    """No failure was counted yet for the addresses of these tests."""

    async def forget() -> None:
        for address in ("127.0.0.1", *ELSEWHERE):
            await redis.delete(f"rate:dashboard:failures:{address}", f"rate:dashboard:address:{address}")

    await forget()
    yield
    await forget()


async def guess(caller: Caller, **headers: str) -> httpx.Response:
    """Ask with a token as ours are, that nobody was ever given."""
    made_up = {"Authorization": f"Bearer {api_tokens._mint()}"}
    return await caller.http.get(caller.profile, headers={**made_up, **headers})


@pytest.mark.usefixtures("fresh")
async def test_an_address_that_guesses_at_tokens_is_told_to_wait(
    stack: Stack, lane: LaneUnderTest, connection: Connection
) -> None:
    limited = settings(stack, lane, rates=replace(UNLIMITED, failures=THREE))
    async with dashboard_caller(limited, connection) as caller:
        statuses = [(await guess(caller)).status_code for _ in range(4)]
        refused = await guess(caller)
        without = await caller.http.get(caller.profile, headers={"Authorization": ""})
    assert statuses == [401, 401, 401, 429]
    assert refused.json()["errors"][0]["code"] == 1429
    assert 1 <= int(refused.headers["Retry-After"]) <= 100
    assert without.status_code == 429


@pytest.mark.usefixtures("fresh")
async def test_guesses_beyond_the_limit_are_not_looked_up_and_a_token_that_held_is(
    stack: Stack, lane: LaneUnderTest, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_up: list[str] = []
    find = api_tokens.find

    async def counted(connection: Connection, secret: str) -> api_tokens.ApiToken | None:
        looked_up.append(secret)
        return await find(connection, secret)

    monkeypatch.setattr(api_tokens, "find", counted)
    monkeypatch.setattr(access, "BELIEVED_SECONDS", 0.0)
    limited = settings(stack, lane, rates=replace(UNLIMITED, failures=THREE))
    async with dashboard_caller(limited, connection) as caller:
        assert (await caller.http.get(caller.profile)).status_code == 404
        for _ in range(10):
            await guess(caller)
        assert len(looked_up) == 1 + 4
        assert (await caller.http.get(caller.profile)).status_code == 404
        assert looked_up[-1] == caller.secret


@pytest.mark.usefixtures("fresh")
async def test_failures_are_not_limited_while_redis_is_away(
    stack: Stack, lane: LaneUnderTest, connection: Connection
) -> None:
    rates = replace(UNLIMITED, failures=THREE)
    limited = settings(stack, lane, redis_url="redis://127.0.0.1:1/0", rates=rates)
    async with dashboard_caller(limited, connection) as caller:
        assert {(await guess(caller)).status_code for _ in range(6)} == {401}


@pytest.mark.usefixtures("fresh")
async def test_an_address_that_somebody_claims_to_have_is_not_believed(
    stack: Stack, lane: LaneUnderTest, connection: Connection
) -> None:
    limited = settings(stack, lane, rates=replace(UNLIMITED, failures=THREE))
    async with dashboard_caller(limited, connection) as caller:
        answers = [await guess(caller, **{"X-Forwarded-For": address}) for address in ELSEWHERE]
    assert [answer.status_code for answer in answers] == [401, 401, 401, 429]


@pytest.mark.usefixtures("fresh")
async def test_a_proxy_that_is_named_is_believed(
    stack: Stack, lane: LaneUnderTest, connection: Connection
) -> None:
    limited = settings(stack, lane, rates=replace(UNLIMITED, failures=THREE))
    async with dashboard_caller(limited, connection, proxies="127.0.0.0/8") as caller:
        answers = [await guess(caller, **{"X-Forwarded-For": address}) for address in ELSEWHERE]
        last = [await guess(caller, **{"X-Forwarded-For": ELSEWHERE[0]}) for _ in range(3)]
    assert {answer.status_code for answer in answers} == {401}
    assert [answer.status_code for answer in last] == [401, 401, 429]
