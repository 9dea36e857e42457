"""Agreements in Braintree's vault of accounts that know of none: found by a few searches, and taken over."""

import pytest

from handlers.drift import Cause
from tests.consumers.effects.payments import Payments
from tests.consumers.sweeps.crowd import COUNT, account, crowded, token
from tests.consumers.sweeps.sweeping import Sweeping
from topics.payment_methods import MethodState

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="session")]
SEARCH_IDS, SEARCH = "/customers/advanced_search_ids", "/customers/advanced_search"
LOST = "DELETE FROM payment_methods WHERE processor = 'braintree' AND account_id = ANY($1::text[])"


def asked(sweep: Sweeping, path: str) -> int:
    """How often Braintree was asked for this."""
    return len([one for one in sweep.payments.vault.driver.requests() if one["path"].endswith(path)])


async def connected(payments: Payments) -> str:
    """A PayPal agreement that is in step; gives its token."""
    await payments.connects()
    await payments.world.settle()
    return (await payments.only()).details.reference


async def test_an_agreement_whose_row_is_lost_is_found_reported_and_taken_over(sweep: Sweeping) -> None:
    lost = await connected(sweep.payments)
    await sweep.payments.world.connection.execute(LOST, [sweep.payments.account])
    assert (await sweep.payments.kept()).methods == {}
    field = f"agreements.{lost}"
    assert (await sweep.found())[field] == (None, "vaulted", Cause.MISSED_WEBHOOK)
    await sweep.repaired()
    assert (await sweep.payments.only()).state is MethodState.ACTIVE
    assert (await sweep.payments.only()).details.reference == lost
    assert field not in await sweep.found()


async def test_one_that_is_deleted_there_meanwhile_leaves_the_report(sweep: Sweeping) -> None:
    lost = await connected(sweep.payments)
    await sweep.payments.world.connection.execute(LOST, [sweep.payments.account])
    assert f"agreements.{lost}" in await sweep.found()
    sweep.payments.vault.driver.remove(lost)
    await sweep.settled()
    assert f"agreements.{lost}" not in await sweep.reported()


async def test_a_customer_that_has_nothing_there_is_no_difference(sweep: Sweeping) -> None:
    sweep.payments.vault.driver.fill(customers=[{"id": sweep.payments.account}])
    assert await sweep.found() == {}
    assert (asked(sweep, SEARCH_IDS), asked(sweep, SEARCH)) == (2, 1), "whether it is there, and what it has"


async def test_many_accounts_are_asked_for_at_once_and_those_that_have_nothing_not_again(
    sweep: Sweeping, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Searches of forty: four for all accounts, and a page of those three that have a customer there."""
    monkeypatch.setattr("state.braintree.vault.SEARCHED", 40)
    await crowded(sweep.payments)
    connection = sweep.payments.world.connection
    everybody = [account(number) for number in range(1, COUNT + 1)]
    await connection.execute(LOST, [*everybody, sweep.payments.account])
    kept = [account(number) for number in (7, 77, 117)]
    for number in range(1, COUNT + 1):
        if account(number) not in kept:
            sweep.payments.vault.driver.remove(token(number))
    await sweep.everything()
    await sweep.again()
    found = {one.account_id for one in await sweep.rows() if one.difference.field.startswith("agreements")}
    assert found == {*kept, sweep.payments.account}
