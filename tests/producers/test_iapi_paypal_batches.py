"""A25 and A26: a dry run first, the run after it, and how far each account has come."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
import pytest_asyncio
from uuid6 import uuid7

from state.postgres import paypal_batches
from state.postgres.connection import Connection
from tests.conftest import Stack
from tests.producers.surfaces import Caller
from tests.producers.test_paypal_batches import moved
from topics.paypal_migrations import Brokenness, MigrationState

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.stack]
LEASE, WITHIN = timedelta(seconds=30), timedelta(days=1)
PATH = "/internal/v1/paypal-migrations"


@pytest_asyncio.fixture(loop_scope="session")
async def store(stack: Stack) -> AsyncIterator[Connection]:
    connection = await asyncpg.connect(stack.database_url)
    yield connection
    await connection.close()


async def begun(iapi: Caller, headers: dict[str, str] | None = None, **given: Any) -> dict[str, Any]:
    answer = await iapi.http.post(PATH, json={"reason": "a test", **given}, headers=headers or {})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()["result"]
    return found


async def asked(store: Connection, batch_id: str, account: str) -> None:
    """The member has asked the account, and its command was decided."""
    command_id = uuid7()
    run = await paypal_batches.take(store, "test", lease=LEASE, within=WITHIN)
    while run is not None and run.batch != batch_id:
        await paypal_batches.plan(store, run, "test", {}, lease=LEASE, finished=True)
        run = await paypal_batches.take(store, "test", lease=LEASE, within=WITHIN)
    assert run is not None
    await paypal_batches.plan(store, run, "test", {account: command_id}, lease=LEASE, finished=True)
    await store.execute(
        "INSERT INTO journal (command_id, account_id, type, lane, actor, actor_role, surface, outcome, decided_at)"
        " VALUES ($1, $2, 'billing.paypal-migrations.migrate.v1', 'bulk', 'paypal-batches', 'system', '/', 'applied',"
        " now())",
        command_id,
        account,
    )


async def test_a_batch_begins_as_a_dry_run_and_shows_how_far_it_is(iapi: Caller, store: Connection) -> None:
    batch = await begun(iapi, accounts=[iapi.account_id])
    assert (batch["dry_run"], batch["cap"], batch["stopped"]) == (True, 100, False)
    shown = (await iapi.http.get(f"{PATH}/{batch['id']}")).json()
    assert (shown["result"]["status"], shown["result"]["accounts"]) == ("running", [])
    await asked(store, batch["id"], iapi.account_id)
    await moved(store, iapi.account_id, batch["id"], broken=Brokenness.WRONG_CUSTOMER)
    shown = (await iapi.http.get(f"{PATH}/{batch['id']}", params={"per_page": 5})).json()
    assert shown["result"]["status"] == "done"
    assert shown["result"]["methods"] == [{"state": "found", "broken": "wrong_customer", "methods": 1}]
    assert shown["result"]["outcomes"] == [{"outcome": "applied", "code": None, "accounts": 1}]
    (account,) = shown["result"]["accounts"]
    (method,) = account["methods"]
    assert (account["account_id"], method["state"], method["old_reference"]) == (
        iapi.account_id,
        MigrationState.FOUND.value,
        "...f28w",
    )
    assert shown["result_info"]["total_count"] == 1

    run = await begun(iapi, dry_run=False, after=batch["id"], cap=5)
    assert (run["dry_run"], run["after"], run["cap"]) == (False, batch["id"], 5)


async def test_one_key_is_one_batch(iapi: Caller) -> None:
    key = {"Idempotency-Key": uuid4().hex}
    first = await begun(iapi, key, accounts=[iapi.account_id])
    again = await begun(iapi, key, accounts=[iapi.account_id])
    assert first["id"] == again["id"]
    other = await iapi.http.post(PATH, json={"reason": "another"}, headers=key)
    assert (other.status_code, other.json()["errors"][0]["code"]) == (409, 1312)
    assert (await begun(iapi))["id"] != first["id"]
    two = [("Idempotency-Key", uuid4().hex), ("Idempotency-Key", uuid4().hex)]
    refused = await iapi.http.post(PATH, json={"reason": "a test"}, headers=two)
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (400, 1400)


@pytest.mark.parametrize(
    ("given", "pointer"),
    [
        ({"accounts": ["dead" * 8]}, "/accounts/0"),
        ({"accounts": ["nobody"]}, "/accounts/0"),
        ({"dry_run": False}, "/after"),
        ({"after": "0" * 32}, "/after"),
        ({"dry_run": False, "after": "0" * 32}, "/after"),
        ({"cap": 0}, "/cap"),
        ({"reason": ""}, "/reason"),
    ],
)
async def test_what_can_not_be_begun_names_its_field(
    iapi: Caller, given: dict[str, Any], pointer: str
) -> None:
    answer = await iapi.http.post(PATH, json={"reason": "a test", **given})
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["source"]["pointer"] == pointer


async def test_a_dry_run_under_way_is_waited_for(iapi: Caller) -> None:
    batch = await begun(iapi, accounts=[iapi.account_id])
    answer = await iapi.http.post(PATH, json={"reason": "r", "dry_run": False, "after": batch["id"]})
    assert "not through yet" in answer.json()["errors"][0]["message"]


@pytest.mark.parametrize("batch", ["0" * 32, "nobody"])
async def test_no_such_batch(iapi: Caller, batch: str) -> None:
    assert (await iapi.http.get(f"{PATH}/{batch}")).status_code == 404
