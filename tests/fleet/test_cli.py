"""The operator's commands, as typed."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from click.testing import Result
from uuid6 import uuid7

from state.postgres import effects, parking
from state.postgres.connection import connect
from state.postgres.effects import EffectRow
from tests.conftest import Servers, Stack
from topics.message import Actor, Envelope, Received, Record, Role
from topics.profiles import DeleteProfile

pytestmark = pytest.mark.stack

ACCOUNT = "00000000000000000000000000000001"


def stored(stack: Stack, work: Callable[[Any], Any]) -> None:
    """Put something into the store, as a member would have."""

    async def run() -> None:
        connection = await connect(stack.database_url, name="test")
        await work(connection)
        await connection.close()

    asyncio.run(run())


def test_a_token_is_shown_once_listed_without_its_secret_and_revoked(fleet: Callable[..., Result]) -> None:
    made = fleet("token", "create", "ci", "--account", ACCOUNT)
    assert made.exit_code == 0
    secret = made.output.strip()
    assert secret.startswith("bft_")
    listed = fleet("token", "list").output
    assert ACCOUNT in listed
    assert secret not in listed
    token_id = next(word for word in listed.split() if word.startswith("tok_"))
    assert fleet("token", "revoke", token_id).exit_code == 0
    assert fleet("token", "revoke", "tok_nobody").exit_code == 1


def test_tokens_are_listed_with_times_as_a_person_tells_them(fleet: Callable[..., Result]) -> None:
    fleet("token", "create", "soon", "--account", ACCOUNT, "--days", "90")
    listed = fleet("token", "list").output
    assert "0 s ago" in listed or "1 s ago" in listed
    assert "in 90 d" in listed
    assert "+00:00" not in listed


def test_a_token_says_what_it_may_do_by_default(fleet: Callable[..., Result]) -> None:
    assert "[default: Billing Write]" in fleet("token", "create", "--help").output


def test_a_token_for_what_is_no_account_is_a_sentence(fleet: Callable[..., Result]) -> None:
    refused = fleet("token", "create", "ci", "--account", "zz")
    assert refused.exit_code == 2
    assert "32 hexadecimal characters" in refused.output


def test_failed_work_is_listed_with_its_error_and_tried_again(
    fleet: Callable[..., Result], stack: Stack
) -> None:
    effect_id = uuid7()

    async def fail(connection: Any) -> None:
        row = EffectRow(ACCOUNT, effect_id, "stripe.sync_customer", "stripe", "sync")
        await effects.add(connection, [row])
        await connection.execute("UPDATE effects SET state = 'failed', last_error = 'tax id refused'")

    stored(stack, fail)
    listed = fleet("effects", "list").output
    assert str(effect_id) in listed
    assert "tax id refused" in listed
    assert "1 to be tried again" in fleet("effects", "retry", str(effect_id)).output
    assert "open" in fleet("effects", "list").output


def test_parked_accounts_are_listed_with_the_command_that_stands_first(
    fleet: Callable[..., Result], stack: Stack
) -> None:
    command_id = uuid7()
    record = Record("billing.commands.v1", 3, 42, 0, ACCOUNT.encode(), b"{}", ())
    envelope = Envelope(command_id, DeleteProfile.type, ACCOUNT, Actor("t", Role.CUSTOMER, "/t"))
    received = Received(record, command_id, envelope.account_id, envelope, DeleteProfile())
    row = parking.row(received, "commands", "KeyError in the handler", datetime.now(UTC))
    stored(stack, lambda connection: parking.add(connection, [row]))
    listed = fleet("parked", "list").output
    assert str(command_id) in listed
    assert "KeyError in the handler" in listed
    assert "billing.commands.v1/3@42" in listed


def test_a_store_that_is_away_is_a_sentence(
    fleet: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    away = fleet("effects", "list")
    assert away.exit_code == 1
    assert "PostgreSQL can't be asked" in away.output


def test_what_others_wrote_commands_no_terminal(fleet: Callable[..., Result], stack: Stack) -> None:
    async def fail(connection: Any) -> None:
        row = EffectRow(ACCOUNT, uuid7(), "stripe.sync_customer", "stripe", "sync")
        await effects.add(connection, [row])
        await connection.execute(
            r"UPDATE effects SET state = 'failed', last_error = E'\x1b[2J [/bold] [red]'"
        )

    stored(stack, fail)
    assert r"\x1b[2J [/bold] [red]" in fleet("effects", "list").output


def test_what_takes_away_waits_for_a_word(
    fleet: Callable[..., Result], servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"t_{uuid4().hex[:16]}"
    asyncio.run(administered(servers, f"CREATE DATABASE {name}"))
    monkeypatch.setenv("DATABASE_URL", servers.database(name))
    try:
        for _ in range(2):
            first = fleet("migrate")
            assert (first.exit_code, "20261129_07_contract_former_types" in first.output) == (0, True)
        for words in (("migrate", "--contract"), ("migrate",)):
            later = fleet(*words)
            assert (later.exit_code, later.output) == (0, "The schema is up to date.\n")
    finally:
        asyncio.run(administered(servers, f"DROP DATABASE {name} WITH (FORCE)"))


async def administered(servers: Servers, statement: str) -> None:
    """Run a statement on the server itself."""
    admin = await asyncpg.connect(servers.database_url)
    await admin.execute(statement)
    await admin.close()
