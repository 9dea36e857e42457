"""API tokens as they are kept."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from state.postgres import api_tokens
from state.postgres.api_tokens import READ, WRITE, well_formed
from state.postgres.connection import Connection

pytestmark = [pytest.mark.asyncio, pytest.mark.stack]


async def test_a_secret_is_shown_once_and_kept_nowhere(connection: Connection) -> None:
    account = uuid4().hex
    token_id, secret = await api_tokens.create(connection, name="ci", accounts=[account], scopes=[WRITE])
    found = await api_tokens.find(connection, secret)
    assert found is not None
    assert (found.id, found.name, found.accounts, found.scopes) == (
        token_id,
        "ci",
        frozenset({account}),
        frozenset({WRITE}),
    )
    assert secret not in f"{await connection.fetchrow('SELECT * FROM api_tokens')}"


async def test_secrets_are_long_recognisable_and_checked(connection: Connection) -> None:
    secrets = {
        (await api_tokens.create(connection, name="x", accounts=[uuid4().hex], scopes=[READ]))[1]
        for _ in range(50)
    }
    assert len(secrets) == 50
    for secret in secrets:
        assert secret.startswith("bft_")
        assert len(secret) >= 44
        assert well_formed(secret)
        for position in range(len(secret)):
            other = "A" if secret[position] != "A" else "B"
            assert not well_formed(secret[:position] + other + secret[position + 1 :])


@pytest.mark.parametrize("text", ["", "bft_", "x" * 53, "bft_" + "\u00e9" * 49])
async def test_what_is_no_secret_is_told_without_a_look_into_the_store(text: str) -> None:
    assert not well_formed(text)


async def test_an_unknown_secret_finds_nothing(connection: Connection) -> None:
    assert await api_tokens.find(connection, "bft_x") is None


async def test_a_token_holds_until_it_expires_or_is_revoked(connection: Connection) -> None:
    now = datetime.now(UTC)
    token_id, secret = await api_tokens.create(
        connection, name="x", accounts=[uuid4().hex], scopes=[READ], expires_at=now + timedelta(hours=1)
    )
    found = await api_tokens.find(connection, secret)
    assert found is not None
    assert found.holds(now)
    assert not found.holds(now + timedelta(hours=1))
    assert await api_tokens.revoke(connection, token_id)
    revoked = await api_tokens.find(connection, secret)
    assert revoked is not None
    assert not revoked.holds(now)
    assert not await api_tokens.revoke(connection, "tok_none")


async def test_tokens_are_listed_for_an_account(connection: Connection) -> None:
    mine, other = uuid4().hex, uuid4().hex
    first, _ = await api_tokens.create(connection, name="a", accounts=[mine, other], scopes=[READ])
    second, _ = await api_tokens.create(connection, name="b", accounts=[other], scopes=[READ])
    assert [token.id for token in await api_tokens.listed(connection, mine)] == [first]
    assert {token.id for token in await api_tokens.listed(connection)} >= {first, second}


@pytest.mark.parametrize(
    ("accounts", "scopes"),
    [([], [READ]), (["x"], [READ]), (["A" * 32], [READ]), (["a" * 32], []), (["a" * 32], ["Everything"])],
)
async def test_a_token_is_bound_to_accounts_and_known_scopes(
    connection: Connection, accounts: list[str], scopes: list[str]
) -> None:
    with pytest.raises(ValueError, match="token"):
        await api_tokens.create(connection, name="x", accounts=accounts, scopes=scopes)
