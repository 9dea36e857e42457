"""What a migration must leave alone: tokens by which somebody is charged, and what may still be needed."""

import pytest

from handlers.paypal_migration import MIGRATE
from state.postgres import paypal_migrations
from tests.consumers.effects.payments import Payments
from tests.consumers.effects.paypal import (
    NONCE,
    OLD,
    SEEN,
    THEIRS,
    begun,
    charged,
    imports,
    migrated,
    migration,
    on_the_wrong_customer,
    performed,
    take_back,
    taken_over,
    tokens,
    vaulted,
)
from tests.consumers.effects.test_kills import killed_at
from tests.consumers.effects.world import until
from topics.accounts import EraseAccount
from topics.payment_methods import BraintreeMethodObserved, MethodKind, MethodState
from topics.paypal_batches import StopPayPalBatch
from topics.paypal_migrations import MigrationState, ReviewPayPalMigrations

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="session")]
OTHER = "g29x"
RIGHT = "tok_right"


async def living(payments: Payments) -> list[str]:
    """The references by which the account is charged."""
    methods = (await payments.kept()).methods.values()
    return [one.details.reference for one in methods if not one.gone]


async def test_an_own_agreement_that_vanishes_on_the_way_waits_for_no_import(payments: Payments) -> None:
    vaulted(payments, OLD, payments.account)
    method_id = await taken_over(payments, OLD, kind=MethodKind.CREDIT_CARD)
    await begun(payments)
    await performed(payments)
    assert (await migration(payments, method_id)).state is MigrationState.FOUND
    payments.vault.driver.remove(OLD)
    await payments.world.settle()
    one = await migration(payments, method_id)
    assert (one.state, one.awaited, "not in the vault" in str(one.why)) == (
        MigrationState.FAILED,
        False,
        True,
    )


async def test_two_methods_of_one_agreement_become_one_that_keeps_its_token(payments: Payments) -> None:
    await taken_over(payments, NONCE)
    vaulted(payments, RIGHT, payments.account)
    await taken_over(payments, RIGHT, kind=MethodKind.CREDIT_CARD)
    await begun(payments)
    await payments.world.settle()
    assert await living(payments) == [RIGHT]
    assert tokens(payments) == {RIGHT: payments.account}


async def test_a_token_of_the_same_name_that_is_another_accounts_stays(payments: Payments) -> None:
    method_id = await on_the_wrong_customer(payments)
    await migrated(payments)
    other = Payments(payments.world, payments.vault, await payments.world.customer_of_ada())
    await taken_over(other, OLD)
    await begun(other)
    await payments.world.settle()
    assert (await migration(other, method_id)).state is MigrationState.FAILED
    assert tokens(payments) == {OLD: THEIRS, method_id: payments.account}


async def vaulted_and_taken_back(payments: Payments) -> str:
    """A method of a nonce whose agreement is in the vault already when support takes it back."""
    method_id = await taken_over(payments, payments.vault.driver.nonce("payer@example.com"))
    await begun(payments)
    await performed(payments)
    await killed_at(payments.world, "paypal.vaulted", braintree=payments.vault.url)
    await take_back(payments, method_id)
    await payments.world.settle()
    return method_id


async def test_what_was_vaulted_from_a_nonce_survives_a_way_back(payments: Payments) -> None:
    method_id = await vaulted_and_taken_back(payments)
    assert (await migration(payments, method_id)).state is MigrationState.ROLLED_BACK
    assert tokens(payments) == {method_id: payments.account}
    await begun(payments)
    await payments.world.settle()
    assert await living(payments) == [method_id], "nothing else is left of the agreement"


async def test_what_was_kept_of_a_nonce_goes_with_the_account(payments: Payments) -> None:
    await vaulted_and_taken_back(payments)
    await payments.world.say(payments.account, EraseAccount(reason="asked for"))
    await payments.world.settle()
    assert tokens(payments) == {}


async def test_a_token_made_of_a_nonce_that_is_gone_is_charged_no_more(payments: Payments) -> None:
    method_id = await taken_over(payments, payments.vault.driver.nonce("payer@example.com"))
    await begun(payments)
    await payments.world.settle()
    charged(payments, method_id)
    payments.vault.driver.remove(method_id)
    await payments.world.say(payments.account, ReviewPayPalMigrations())
    await payments.world.settle()
    assert (await payments.kept()).methods[method_id].state is MethodState.DETACHED


async def test_a_new_token_that_vanishes_before_anybody_paid_leads_back_to_the_old_one(
    payments: Payments,
) -> None:
    method_id = await on_the_wrong_customer(payments)
    await migrated(payments)
    payments.vault.driver.remove(method_id)
    gone = BraintreeMethodObserved(reference=method_id, seen=SEEN, gone=True)
    await payments.world.say(payments.account, gone)
    await payments.world.settle()
    assert await living(payments) == [OLD]
    assert tokens(payments) == {OLD: THEIRS}
    assert (await migration(payments, method_id)).state is MigrationState.FAILED


async def test_a_dry_run_tells_of_no_revocation(payments: Payments) -> None:
    method_id = await on_the_wrong_customer(payments)
    await payments.world.settle()
    payments.vault.driver.revoke(OLD, copies=0)
    before = payments.vault.driver.ledger()
    await begun(payments, dry_run=True)
    await payments.world.settle()
    assert (await payments.kept()).methods[method_id].state is MethodState.ACTIVE
    assert payments.vault.driver.ledger() == before
    one = await migration(payments, method_id)
    assert (one.state, "revoked" in str(one.why)) == (MigrationState.FAILED, True)


async def test_a_way_back_does_not_wait_behind_a_method_that_is_stopped(payments: Payments) -> None:
    await on_the_wrong_customer(payments)
    await on_the_wrong_customer(payments, OTHER)
    batch = await begun(payments)
    await payments.world.settle()
    await imports(payments)
    await payments.world.say(batch, StopPayPalBatch(reason="wait"))
    first, last = await in_order(payments)
    await take_back(payments, last)

    async def gone_back() -> bool:
        done = await payments.world.connection.fetchval(
            "SELECT bool_and(state = 'done') FROM effects WHERE account_id = $1 AND kind = $2 AND payload LIKE $3",
            payments.account,
            MIGRATE,
            f"%{last}%",
        )
        return bool(done)

    async with payments.world.member():
        await until(gone_back)
    await payments.world.relay()
    assert (await migration(payments, last)).state is MigrationState.ROLLED_BACK
    assert (await migration(payments, first)).state is MigrationState.FOUND


async def in_order(payments: Payments) -> list[str]:
    """The methods in the order in which their steps are owed."""
    found = await paypal_migrations.load(payments.world.connection, [payments.account])
    return [one.method_id for one in found[payments.account].rows.values()]
