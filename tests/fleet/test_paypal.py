"""`fleet paypal-migrations`: a dry run, the run after it, what to hand to Braintree, stopping, and going back."""

import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import Result
from uuid6 import uuid7

from fleet.cli import paypal_methods
from handlers.payment_method import vaulted_id_of
from state.postgres import journal, paypal_batches, switches
from state.postgres.connection import Connection
from tests.consumers.lanes import LaneUnderTest, account_id, journaled, until
from tests.producers.test_paypal_batches import BATCH, moved, payer
from topics.payment_methods import MethodDetails, MethodKind, Processor
from topics.paypal_migrations import (
    Brokenness,
    MigrationState,
    ReviewPayPalMigrations,
    RollBackPayPalMigration,
)

pytestmark = [pytest.mark.asyncio, pytest.mark.stack]

Typed = Callable[..., Awaitable[Result]]
SOURCE = MethodDetails(
    processor=Processor.BRAINTREE,
    kind=MethodKind.PAYPAL,
    reference="f28w",
    payer_email="payer@example.com",
    agreement_id="B-1",
)


@pytest.fixture(autouse=True)
def _bulk(commands: LaneUnderTest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lane of the test stands for the one of bulk."""
    monkeypatch.setattr(paypal_methods, "BULK", commands.lane.topic)


async def begun(typed: Typed, *words: str) -> str:
    """The batch that a command began."""
    result = await typed("paypal-migrations", "start", "--reason", "ticket 4711", *words)
    assert result.exit_code == 0, result.output
    found = re.search(r"show ([0-9a-f]{32})", result.output)
    assert found
    return found[1]


async def through(connection: Connection, batch: str) -> None:
    """The member has asked everybody."""
    await connection.execute(
        "INSERT INTO paypal_batch_runs (batch, finished_at) VALUES ($1, now()) ON CONFLICT DO NOTHING", batch
    )


async def test_a_run_comes_after_its_dry_run_and_both_are_shown(
    commands: LaneUnderTest, connection: Connection, typed: Typed
) -> None:
    assert "There was no batch yet" in (await typed("paypal-migrations", "show")).output
    async with commands.running():
        dry = await begun(typed)
        early = await typed("paypal-migrations", "start", "--after", dry, "--reason", "r")
        assert (early.exit_code, "not through yet" in early.output) == (1, True)
        await through(connection, dry)
        run = await begun(typed, "--after", dry, "--cap", "5")
    listed = (await typed("paypal-migrations", "show")).output
    assert "dry run" in listed
    assert f"after {dry}" in listed
    account = await payer(connection, "f28w")
    await moved(connection, account, run, dry_run=False, broken=Brokenness.WRONG_CUSTOMER)
    shown = (await typed("paypal-migrations", "show", run)).output
    for words in (f"A run after {dry}", "0 of at most 5 accounts", "wrong_customer", account, "...1111"):
        assert words in shown
    assert account not in (await typed("paypal-migrations", "show", run, "--state", "failed")).output
    assert account not in (await typed("paypal-migrations", "show", run, "--account", dry)).output


async def test_who_refused_is_shown_with_the_reason(connection: Connection, typed: Typed) -> None:
    batch, account, command_id = account_id(), account_id(), uuid7()
    await journal.Days().ensure(connection, [command_id])
    await paypal_batches.save(connection, {batch: BATCH})
    await connection.execute(
        "INSERT INTO paypal_batch_accounts (batch, account_id, command_id) VALUES ($1, $2, $3)",
        batch,
        account,
        command_id,
    )
    await connection.execute(
        "INSERT INTO journal (command_id, account_id, type, lane, actor, actor_role, surface, outcome, code, answer,"
        " decided_at) VALUES ($1, $2, 'billing.paypal-migrations.migrate.v1', 'bulk', 'b', 'system', '/', 'refused',"
        ' 1309, \'{"message": "The account is locked."}\', now())',
        command_id,
        account,
    )
    shown = (await typed("paypal-migrations", "show", batch, "--account", account)).output
    for words in (account, "1309", "The account is locked."):
        assert words in shown


async def test_what_is_no_dry_run_has_no_run_after_it(typed: Typed) -> None:
    refused = await typed("paypal-migrations", "start", "--after", "0" * 32, "--reason", "r")
    assert (refused.exit_code, "is no dry run" in refused.output) == (1, True)
    assert (await typed("paypal-migrations", "show", "0" * 32)).exit_code == 1
    assert (await typed("paypal-migrations", "start", "nobody", "--reason", "r")).exit_code == 2


async def test_one_batch_is_stopped_and_all_are(
    commands: LaneUnderTest, connection: Connection, typed: Typed
) -> None:
    async with commands.running():
        batch = await begun(typed)
        await typed("paypal-migrations", "stop", batch, "--reason", "wait")
        assert "It is stopped: wait" in (await typed("paypal-migrations", "show", batch)).output
        await typed("paypal-migrations", "resume", batch, "--reason", "go")
    assert await paypal_batches.halted(connection, batch) is None
    await typed("paypal-migrations", "stop", "--reason", "an incident")
    assert await paypal_batches.halted(connection, batch) == "an incident"
    assert "All batches are stopped by operator:" in (await typed("paypal-migrations", "show")).output
    await typed("paypal-migrations", "resume", "--reason", "over")
    assert await switches.switched_off(connection, paypal_batches.SWITCH) is None


async def test_what_braintree_is_to_import_is_a_file_to_hand_in(connection: Connection, typed: Typed) -> None:
    batch = account_id()
    assert (await typed("paypal-migrations", "export", batch)).exit_code == 1
    account = await payer(connection, "f28w")
    await moved(connection, account, batch, dry_run=False, awaited=True, source=SOURCE)
    printed = (await typed("paypal-migrations", "export", batch)).output.splitlines()
    assert printed == [
        "customer_id,payment_method_token,billing_agreement_id,email",
        f"{account},{'1' * 32},B-1,payer@example.com",
    ]


async def test_a_batch_is_looked_at_and_taken_back(
    commands: LaneUnderTest, connection: Connection, typed: Typed
) -> None:
    batch, waiting, charged = account_id(), await payer(connection, "t1"), await payer(connection, "t2")
    switched = {"dry_run": False, "state": MigrationState.SWITCHED}
    await moved(connection, waiting, batch, **switched, method_id=vaulted_id_of("t1"))
    await moved(connection, charged, batch, **switched, method_id=vaulted_id_of("t2"), charged=True)
    assert "2 accounts are looked at" in (await typed("paypal-migrations", "look", batch)).output
    back = await typed("paypal-migrations", "roll-back", "--batch", batch, "--reason", "no")
    assert "1 methods go back" in back.output
    async with commands.running():
        await until(lambda: connection.fetchval("SELECT count(*) = 3 FROM journal"))
    types = [row[:2] for row in await journaled(connection, waiting)]
    assert types == [(ReviewPayPalMigrations.type, "applied"), (RollBackPayPalMigration.type, "applied")]


async def test_one_method_is_taken_back_by_name(commands: LaneUnderTest, typed: Typed) -> None:
    assert (await typed("paypal-migrations", "roll-back", "--reason", "no")).exit_code == 2
    named = ("paypal-migrations", "roll-back", "0" * 32, "1" * 32)
    assert (await typed(*named[:3], "--batch", "2" * 32, "--reason", "no")).exit_code == 2
    async with commands.running():
        for words in ((), ("--batch", "2" * 32)):
            assert "There is no such account" in (await typed(*named, *words, "--reason", "no")).output


async def test_a_method_that_a_later_batch_has_moved_on_does_not_go_back_with_an_earlier_one(
    connection: Connection, typed: Typed
) -> None:
    batch, later, account = account_id(), account_id(), await payer(connection, "t1")
    fields = {"dry_run": False, "state": MigrationState.SWITCHED, "method_id": vaulted_id_of("t1")}
    await moved(connection, account, batch, **fields)
    await moved(connection, account, later, **fields, began_on=datetime.now(UTC) + timedelta(hours=1))
    back = ("paypal-migrations", "roll-back", "--reason", "no", "--batch")
    assert "0 methods go back" in (await typed(*back, batch)).output
    assert "1 methods go back" in (await typed(*back, later)).output
