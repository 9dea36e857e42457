"""Who may call the Dashboard: tokens bound to accounts, scopes told apart from strangers."""

from datetime import UTC, datetime, timedelta

import httpx
import pytest

from producers.dashboard import access
from state.postgres import api_tokens
from state.postgres.connection import Connection
from tests.producers.surfaces import PROFILE, Caller, account, token

pytestmark = [pytest.mark.asyncio, pytest.mark.stack]


async def get(caller: Caller, secret: str | None, path: str | None = None) -> httpx.Response:
    headers = {"Authorization": f"Bearer {secret}" if secret else ""}
    return await caller.http.get(path or caller.profile, headers=headers)


def told(answer: httpx.Response) -> tuple[int, int]:
    return answer.status_code, answer.json()["errors"][0]["code"]


async def test_without_a_token_nobody_comes_in(dashboard: Caller) -> None:
    for authorization in ("", "Bearer", f"Basic {dashboard.secret}", dashboard.secret):
        answer = await dashboard.http.get(dashboard.profile, headers={"Authorization": authorization})
        assert told(answer) == (401, 1401)
        assert answer.headers["WWW-Authenticate"] == "Bearer"


async def test_a_token_that_is_not_ours_is_unknown(dashboard: Caller) -> None:
    slip = dashboard.secret[:-1] + ("a" if dashboard.secret[-1] != "a" else "b")
    never_made = api_tokens._mint()
    for secret in ("x", slip, never_made, dashboard.secret + "x", "bft_\u00e9"):
        answer = await dashboard.http.get(
            dashboard.profile, headers=[(b"Authorization", f"Bearer {secret}".encode())]
        )
        assert told(answer) == (401, 1401)


async def test_an_expired_token_does_not_hold(dashboard: Caller, connection: Connection) -> None:
    past = datetime.now(UTC) - timedelta(seconds=1)
    expired = await token(connection, dashboard.account_id, expires_at=past)
    assert told(await get(dashboard, expired)) == (401, 1401)


async def test_a_revoked_token_is_refused_within_seconds(
    dashboard: Caller, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access, "BELIEVED_SECONDS", 0.0)
    token_id, secret = await api_tokens.create(
        connection, name="test", accounts=[dashboard.account_id], scopes=["Billing Read"]
    )
    assert told(await get(dashboard, secret)) == (404, 1404)
    assert await api_tokens.revoke(connection, token_id)
    assert told(await get(dashboard, secret)) == (401, 1401)
    assert access.BELIEVED_SECONDS <= 5


async def test_a_reader_may_read_and_not_write(dashboard: Caller, connection: Connection) -> None:
    reader = await token(connection, dashboard.account_id, scopes=["Billing Read"])
    assert told(await get(dashboard, reader)) == (404, 1404)
    refused = await dashboard.http.post(
        dashboard.profile, json=PROFILE, headers={"Authorization": f"Bearer {reader}"}
    )
    assert told(refused) == (403, 1403)
    assert 'scope="Billing Write"' in refused.headers["WWW-Authenticate"]


async def test_credentials_are_asked_for_before_the_body_is_looked_at(dashboard: Caller) -> None:
    refused = await dashboard.http.post(dashboard.profile, content=b"{", headers={"Authorization": ""})
    assert told(refused) == (401, 1401)


async def test_another_account_looks_like_one_that_does_not_exist(
    dashboard: Caller, connection: Connection
) -> None:
    other = await account(connection)
    answers = [
        await get(dashboard, dashboard.secret, f"/client/v4/accounts/{account_id}/billing/profile")
        for account_id in (other, "0" * 32, "x", dashboard.account_id.upper())
    ]
    assert {told(answer) for answer in answers} == {(404, 1404)}
    assert len({answer.text for answer in answers}) == 1


async def test_a_token_may_be_bound_to_several_accounts(dashboard: Caller, connection: Connection) -> None:
    accounts = [await account(connection), await account(connection)]
    secret = await token(connection, *accounts)
    for account_id in accounts:
        path = f"/client/v4/accounts/{account_id}/billing/profile"
        answer = await dashboard.http.post(path, json=PROFILE, headers={"Authorization": f"Bearer {secret}"})
        assert answer.json()["result"]["id"] == account_id


async def test_commands_name_the_token_and_not_its_secret(dashboard: Caller, connection: Connection) -> None:
    await dashboard.http.post(dashboard.profile, json=PROFILE)
    row = await connection.fetchrow("SELECT * FROM journal WHERE account_id = $1", dashboard.account_id)
    assert row is not None
    (kept,) = await api_tokens.listed(connection, dashboard.account_id)
    assert (row["actor"], row["actor_role"], row["surface"]) == (kept.id, "customer", "dashboard")
    assert dashboard.secret not in f"{row}"
