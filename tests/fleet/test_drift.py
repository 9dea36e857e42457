"""`fleet drift`: the report, what a repair would do, stages, the switch, and putting two customers into one."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from unittest.mock import AsyncMock
from uuid import UUID

import httpx
import pytest
from click.testing import Result

from fleet.cli import drift_repair
from handlers.drift import Cause, Difference
from producers.publisher import NotPublishedError, Publisher
from producers.trace import new_id
from sandbox.stripe.world import API_KEY
from state.postgres import drift, repairs, switches
from state.postgres.connection import Connection
from state.postgres.drift import Stray
from tests.consumers.lanes import LaneUnderTest, account_id, journaled
from tests.stripe_double import Double, double, stripe_server

__all__ = ["double", "stripe_server"]
pytestmark = [pytest.mark.asyncio, pytest.mark.stack]

Typed = Callable[..., Awaitable[Result]]
NAME = Difference("stripe", "name", "Ada Lovelace", "Eve", Cause.CHANGED_AT_PROCESSOR)
BOTH = ["stripe", "braintree"]
CARD = Difference("stripe", "payment_methods.pm_1", None, "attached", Cause.MISSED_WEBHOOK)
PAYPAL = Difference("braintree", "agreements.f28w", "active", "another customer's", Cause.NOT_MIGRATED)
GONE = Difference("stripe", "customer", "cus_B", None, Cause.CUSTOMER_DELETED)


@pytest.fixture(autouse=True)
def _bulk(commands: LaneUnderTest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lane of the test stands for the one of bulk."""
    monkeypatch.setattr(drift_repair, "BULK", commands.lane.topic)


async def drifting(connection: Connection, *found: Difference) -> str:
    """An account of which these were found twice."""
    account = account_id()
    await connection.execute(
        "INSERT INTO accounts (id, type, version, created_on, edited_on) VALUES ($1, 'pay_go', 1, now(), now())",
        account,
    )
    for _ in range(2):
        await drift.record(connection, account, 1, found, BOTH)
    return account


async def over(connection: Connection, *of: str) -> None:
    """Nothing is found of them any more."""
    for account in of:
        await drift.record(connection, account, 1, [], BOTH)


def run_of(result: Result) -> UUID:
    """The run that a command told of."""
    found = re.search(r"fleet drift repairs ([0-9a-f-]{36})", result.output)
    assert found, result.output
    return UUID(found[1])


async def test_the_report_shows_both_values_since_when_and_the_cause(
    commands: LaneUnderTest, connection: Connection, typed: Typed
) -> None:
    nothing = await typed("drift", "report")
    assert "Nothing differs" in nothing.output
    assert "No full sweep was done yet" in nothing.output
    account = await drifting(connection, NAME, CARD)
    shown = (await typed("drift", "report")).output
    for words in (
        account,
        "Ada Lovelace",
        "Eve",
        "changed_at_processor",
        "payment_methods.pm_1",
        "missed_webhook",
    ):
        assert words in shown
    assert "written to Stripe" in shown
    assert "taken over from Stripe" in shown
    assert "Eve" not in (await typed("drift", "report", "--no-values")).output
    assert "Eve" not in (await typed("drift", "report", "--cause", "missed_webhook")).output
    assert (
        "pm_1" not in (await typed("drift", "report", "--field", "name")).output.partition("Differences")[2]
    )
    await over(connection, account)
    assert "Nothing differs" in (await typed("drift", "report")).output
    history = (await typed("drift", "show", account)).output
    assert "Eve" in history


async def test_a_sweep_is_asked_for_shown_and_ended(
    commands: LaneUnderTest, connection: Connection, typed: Typed
) -> None:
    assert "will begin" in (await typed("drift", "sweep")).output
    assert "under way already" in (await typed("drift", "sweep")).output
    assert "phase 1 of 6 (customers)" in (await typed("drift", "report")).output
    assert "was ended" in (await typed("drift", "sweep", "--stop")).output
    assert "No sweep is under way" in (await typed("drift", "sweep", "--stop")).output


async def test_a_repair_shows_what_would_change_and_does_it_after_a_yes(
    commands: LaneUnderTest, connection: Connection, typed: Typed
) -> None:
    account = await drifting(connection, NAME, CARD)
    async with commands.running():
        shown = await typed("drift", "repair", account)
        assert "Nothing was asked for" in shown.output
        assert await journaled(connection, account) == []
        assert (await typed("drift", "repair", account, "--yes")).exit_code == 2, "a reason is needed"
        done = await typed("drift", "repair", account, "--yes", "--reason", "ticket 7")
    assert done.exit_code == 0, done.output
    assert "0 refused" in done.output
    assert [kind for kind, *_ in await journaled(connection, account)] == ["billing.drift.repair.v1"]
    kinds = await connection.fetch("SELECT kind FROM effects WHERE account_id = $1", account)
    assert [row["kind"] for row in kinds] == ["stripe.read_payment_method"]
    before = (await typed("drift", "repairs", str(run_of(done)))).output
    assert "Ada Lovelace" in before
    assert "Eve" in before
    listed = (await typed("drift", "repairs")).output
    for words in (str(run_of(done)), "named", "ticket 7", "done"):
        assert words in listed


async def test_a_larger_share_is_open_once_the_one_before_has_ended_everything(
    commands: LaneUnderTest, connection: Connection, typed: Typed
) -> None:
    accounts = [await drifting(connection, NAME) for _ in range(12)]
    words = ("--reason", "drill", "--yes")
    async with commands.running():
        early = await typed("drift", "repair", "--share", "100", *words)
        assert early.exit_code == 1
        assert "a single account comes first" in early.output
        await typed("drift", "repair", accounts[0], *words)
        assert (await typed("drift", "repair", "--share", "5", *words)).exit_code == 1, (
            "it left something open"
        )
        await over(connection, accounts[0])
        await connection.execute("UPDATE repairs SET share = 50 WHERE share = 0")
        capped = await typed("drift", "repair", "--share", "100", "--cap", "4", *words)
        assert capped.exit_code == 0, capped.output
    assert "A repair of 4 account(s) would be" in capped.output
    asked = await connection.fetchval(
        "SELECT count(*) FROM drift WHERE repair IS NOT NULL AND closed_at IS NULL"
    )
    assert asked == 4


async def test_nothing_is_repaired_while_repairs_are_stopped(
    commands: LaneUnderTest, connection: Connection, typed: Typed
) -> None:
    account = await drifting(connection, NAME)
    await typed("drift", "stop", "--reason", "incident 9")
    stopped = await typed("drift", "repair", account, "--yes", "--reason", "x")
    assert stopped.exit_code == 1
    assert "incident 9" in stopped.output
    await typed("drift", "resume", "--reason", "it is over")
    assert await switches.switched_off(connection, repairs.SWITCH) is None
    assert (await typed("drift", "repair", account)).exit_code == 0


async def test_a_refusal_is_told_with_its_reason(
    commands: LaneUnderTest, connection: Connection, typed: Typed
) -> None:
    account = await drifting(connection, NAME)
    await connection.execute(
        "INSERT INTO subscriptions (account_id, id, customer_id, status, collection_method, cancel_at_period_end,"
        " items, seen_rank, seen_final, version, edited_on)"
        " VALUES ($1, 'sub_1', 'cus_A', 'incomplete', 'charge_automatically', false, '[]', 0, false, 1, now())",
        account,
    )
    async with commands.running():
        refused = await typed("drift", "repair", account, "--yes", "--reason", "x")
        again = await typed("drift", "repair", account)
    assert f"{account} was refused (1307): The first payment of a subscription" in refused.output
    assert "{" not in refused.output
    assert "A repair of 1 account(s) would be" in again.output, "at once, as the reason may be over"


async def test_a_run_that_does_not_get_out_is_stopped_and_keeps_nobody_waiting(
    commands: LaneUnderTest, connection: Connection, typed: Typed, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = await drifting(connection, NAME)
    words = ("drift", "repair", account, "--yes", "--reason", "x")
    async with commands.running():
        with monkeypatch.context() as away:
            unheard = AsyncMock(side_effect=NotPublishedError(maybe=False))
            away.setattr(Publisher, "publish", unheard)
            failed = await typed(*words)
        assert failed.exit_code == 1
        assert "Kafka did not acknowledge the message in time (KAFKA_BOOTSTRAP)" in failed.output
        assert await connection.fetchval("SELECT state FROM repairs") == "stopped"
        done = await typed(*words)
        assert "0 refused" in done.output, done.output
        asked_for = await typed("drift", "repair", account)
    assert "not asked for in the last 15 minutes" in asked_for.output
    assert "nothing to repair" not in asked_for.output


async def test_what_no_repair_ends_is_left_out_and_keeps_no_stage_closed(
    commands: LaneUnderTest, connection: Connection, typed: Typed
) -> None:
    shared = [await sharing(connection) for _ in range(2)]
    paypal, gone, both = [await drifting(connection, *of) for of in ([PAYPAL], [GONE], [NAME, PAYPAL])]
    preview = (await typed("drift", "repair", shared[0])).output
    assert "There is nothing to repair." in preview
    assert "1 account(s), merged: left until each account has a customer of its own" in preview
    words = ("--reason", "drill", "--yes")
    async with commands.running():
        done = (await typed("drift", "repair", both, *words)).output
        assert "left to the PayPal migration" in done
        await drift.record(connection, both, 1, [PAYPAL], BOTH)
        for share in ("5", "10", "25", "50", "100"):
            passed = await typed("drift", "repair", "--share", share, *words)
            assert passed.exit_code == 0, passed.output
            assert "it counts as passed" in passed.output
    for left in ("2 account(s), merged", "2 account(s), not_migrated", "1 account(s), customer_deleted"):
        assert left in passed.output
    assert not any([await journaled(connection, one) for one in (*shared, paypal, gone)])
    states = await connection.fetch("SELECT share, state, accounts FROM repairs ORDER BY started_at")
    assert [tuple(row) for row in states] == [
        (0, "done", 1),
        *((share, "done", 0) for share in (5, 10, 25, 50, 100)),
    ]


async def test_an_account_that_was_merged_after_its_repair_was_asked_for_keeps_no_stage_closed(
    commands: LaneUnderTest, connection: Connection, typed: Typed
) -> None:
    account, other = await drifting(connection, NAME), await drifting(connection, NAME)
    async with commands.running():
        await typed("drift", "repair", account, "--reason", "x", "--yes")
    assert "single account comes first" in (await typed("drift", "repair", "--share", "5")).output
    await link(connection, account, "cus_A", merged=True)
    assert (await typed("drift", "repair", "--share", "5")).exit_code == 0
    assert other in (await typed("drift", "report")).output


async def test_a_share_is_not_passed_while_something_of_it_was_only_just_asked_for(
    commands: LaneUnderTest, connection: Connection, typed: Typed
) -> None:
    asked = await drifting(connection, NAME)
    await drift.asked(connection, new_id(), [asked])
    await connection.execute(
        "INSERT INTO repairs (id, share, cap, accounts, state, asked_by, reason)"
        " VALUES ($1, 50, 1, 1, 'done', 'x', 'x')",
        new_id(),
    )
    empty = await typed("drift", "repair", "--share", "100", "--reason", "x", "--yes")
    assert empty.exit_code == 0
    assert "passed" not in empty.output
    await over(connection, asked)
    filtered = await typed("drift", "repair", "--share", "100", "--cause", "merged", "--reason", "x", "--yes")
    assert "passed" not in filtered.output, "of all causes only"
    assert await connection.fetchval("SELECT count(*) FROM repairs") == 1


async def test_what_stood_before_a_run_is_kept_whatever_is_found_and_asked_for_later(
    commands: LaneUnderTest, connection: Connection, typed: Typed
) -> None:
    account = await drifting(connection, NAME)
    words = ("--reason", "x", "--yes")
    async with commands.running():
        first = run_of(await typed("drift", "repair", account, *words))
        later = replace(NAME, theirs="Mallory")
        await drift.record(connection, account, 1, [later], BOTH)
        await connection.execute("UPDATE drift SET repair_asked_at = now() - interval '1 hour'")
        second = run_of(await typed("drift", "repair", account, *words))
    shown = [(await typed("drift", "repairs", str(run))).output for run in (first, second)]
    assert [("Eve" in one, "Mallory" in one) for one in shown] == [(True, False), (False, True)]
    left = [row["left"] for row in await repairs.listed(connection, within=timedelta(days=1), limit=9)]
    assert left == [1, 1], "neither of them ended it"
    await drift.purge(connection, timedelta(0))
    assert "There is no such repair" in (await typed("drift", "repairs", str(first))).output


async def sharing(connection: Connection) -> str:
    """An account that shares its customer with another one, and differs."""
    account = await drifting(connection, NAME)
    await link(connection, account, "cus_shared", merged=False)
    return account


async def link(connection: Connection, account: str, customer: str, *, merged: bool) -> None:
    """The account's customer."""
    await connection.execute(
        "INSERT INTO stripe_customers (account_id, customer_id, version, merged) VALUES ($1, $2, 1, $3)",
        account,
        customer,
        merged,
    )


async def test_of_two_customers_the_one_that_is_used_is_kept(
    commands: LaneUnderTest,
    connection: Connection,
    typed: Typed,
    double: Double,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("STRIPE_API_BASE", double.url)
    account = await drifting(connection)
    own, stray = (made(double, account) for _ in range(2))
    await connection.execute(
        "INSERT INTO stripe_customers (account_id, customer_id, version) VALUES ($1, $2, 1)", account, own
    )
    await drift.stray(connection, [Stray(stray, account, own, None)])
    listed = (await typed("drift", "customers")).output
    assert stray in listed
    assert "duplicate" in listed
    assert f"{own} would be kept, {stray} deleted" in (await typed("drift", "merge", stray)).output
    card(double, stray)
    assert f"{stray} would be kept, {own} deleted" in (await typed("drift", "merge", stray)).output
    async with commands.running():
        assert "--reason" in (await typed("drift", "merge", stray, "--yes")).output
        merged = await typed("drift", "merge", stray, "--yes", "--reason", "ticket 4711")
    assert merged.exit_code == 0, merged.output
    link = await connection.fetchval(
        "SELECT customer_id FROM stripe_customers WHERE account_id = $1", account
    )
    assert link == stray
    owed = await connection.fetch("SELECT payload FROM effects WHERE account_id = $1", account)
    assert any(own in effect["payload"] for effect in owed)
    assert "ticket 4711" in await connection.fetchval("SELECT string_agg(body, '') FROM journal")
    assert "is somebody's" in (await typed("drift", "customers")).output


async def test_a_customer_of_an_account_that_is_not_known_is_deleted_unless_it_is_used(
    commands: LaneUnderTest,
    connection: Connection,
    typed: Typed,
    double: Double,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("STRIPE_API_BASE", double.url)
    nobody = account_id()
    orphan, used = (made(double, nobody) for _ in range(2))
    card(double, used)
    await drift.stray(connection, [Stray(orphan, nobody, None, None)])
    preview = (await typed("drift", "merge", orphan)).output
    assert f"{orphan} would be deleted: the account {nobody}" in preview
    assert "kept" not in preview
    async with commands.running():
        merged = await typed("drift", "merge", orphan, "--yes", "--reason", "ticket 4712")
        kept = await typed("drift", "merge", used, "--yes", "--reason", "x")
    assert merged.exit_code == 0, merged.output
    assert (kept.exit_code, "it is left alone" in kept.output) == (1, True)
    owed = await connection.fetch("SELECT payload FROM effects WHERE account_id = $1", nobody)
    assert [orphan in effect["payload"] for effect in owed] == [True]
    assert "is somebody's" in (await typed("drift", "customers")).output


async def test_two_customers_that_are_both_used_are_for_a_person(
    commands: LaneUnderTest,
    connection: Connection,
    typed: Typed,
    double: Double,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("STRIPE_API_BASE", double.url)
    account = await drifting(connection)
    own, stray = (made(double, account) for _ in range(2))
    for one in (own, stray):
        card(double, one)
    await connection.execute(
        "INSERT INTO stripe_customers (account_id, customer_id, version) VALUES ($1, $2, 1)", account, own
    )
    refused = await typed("drift", "merge", stray, "--yes", "--reason", "x")
    assert refused.exit_code == 1
    assert "Both are used" in refused.output
    assert await journaled(connection, account) == []


def made(double: Double, account: str) -> str:
    """A customer for the account."""
    return str(asked(double, "/v1/customers", **{"metadata[account_id]": account})["id"])


def card(double: Double, customer: str) -> None:
    """A card on it."""
    asked(double, "/v1/payment_methods/pm_card_visa/attach", customer=customer)


def asked(double: Double, path: str, **form: str) -> dict[str, object]:
    """A request of somebody else."""
    headers = {"Authorization": f"Bearer {API_KEY}"}
    answer = httpx.post(f"{double.url}{path}", data=form, headers=headers, trust_env=False)
    found: dict[str, object] = answer.raise_for_status().json()
    return found
