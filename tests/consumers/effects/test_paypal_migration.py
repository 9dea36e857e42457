"""PayPal methods moved in Braintree's vault: from the wrong customer, from a nonce, from being dunned as a card."""

from datetime import UTC, datetime

import pytest

from handlers.paypal_migration import MIGRATE
from state.postgres import paypal_batches, switches
from tests.consumers.effects.payments import Payments
from tests.consumers.effects.paypal import (
    NONCE,
    OLD,
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
from tests.consumers.effects.stripe_side import subscribed
from tests.consumers.effects.test_kills import killed_at
from topics.accounts import EraseAccount
from topics.payment_methods import MethodKind, MethodState, RemovePaymentMethod
from topics.paypal_batches import ResumePayPalBatch, StopPayPalBatch
from topics.paypal_migrations import (
    Brokenness,
    MigratePayPal,
    MigrationState,
    ReviewPayPalMigrations,
    RollBackPayPalMigration,
)

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="session")]
CLOSING = ("effects.claimed", "effects.performed", "effects.before_commit", "effects.committed")


async def test_an_agreement_on_the_wrong_customer_gets_a_second_token_and_loses_the_first_when_it_is_paid_by(
    payments: Payments,
) -> None:
    method_id = await on_the_wrong_customer(payments)
    await begun(payments)
    await payments.world.settle()
    waits = await migration(payments, method_id)
    assert (waits.state, waits.awaited) == (MigrationState.FOUND, True)
    assert tokens(payments) == {OLD: THEIRS}, "Braintree takes its days"
    await imports(payments)
    await payments.world.settle()
    assert (await migration(payments, method_id)).state is MigrationState.SWITCHED
    assert tokens(payments) == {OLD: THEIRS, method_id: payments.account}
    assert (await payments.only()).details.reference == method_id

    await payments.world.say(payments.account, ReviewPayPalMigrations())
    await payments.world.settle()
    assert tokens(payments).keys() == {OLD, method_id}, "nobody paid yet"

    charged(payments, method_id)
    await payments.world.say(payments.account, ReviewPayPalMigrations())
    await payments.world.settle()
    assert (await migration(payments, method_id)).state is MigrationState.OLD_REVOKED
    assert tokens(payments) == {method_id: payments.account}


async def test_the_agreement_with_paypal_stays_the_same(payments: Payments) -> None:
    held = vaulted(payments, OLD, THEIRS)
    method_id = await taken_over(payments, OLD)
    await migrated(payments)
    copies = {one["token"]: one["billing_agreement_id"] for one in payments.vault.driver.methods()}
    assert copies[method_id] == held["billing_agreement_id"]
    assert (await payments.only()).details.agreement_id == held["billing_agreement_id"]


async def test_a_nonce_gives_way_to_the_agreement_that_stands_behind_it(payments: Payments) -> None:
    vaulted(payments, "tok_other", payments.account, "somebody@example.com")
    vaulted(payments, "tok_right", payments.account, "payer@example.com")
    method_id = await taken_over(payments, NONCE)
    await begun(payments)
    await payments.world.settle()
    one = await migration(payments, method_id)
    assert (one.broken, one.new) == (Brokenness.NONCE_AS_TOKEN, "tok_right")
    assert (await payments.kept()).methods[method_id].details.reference == "tok_right"


async def test_a_nonce_with_nothing_behind_it_ends(payments: Payments) -> None:
    method_id = await taken_over(payments, NONCE, created_at=datetime(2024, 1, 1, tzinfo=UTC))
    await begun(payments)
    await payments.world.settle()
    method = (await payments.kept()).methods[method_id]
    assert (method.state, method.default) == (MethodState.REVOKED, False)
    assert (await migration(payments, method_id)).state is MigrationState.FAILED
    assert tokens(payments) == {}


async def test_a_nonce_that_is_still_good_is_vaulted(payments: Payments) -> None:
    nonce = payments.vault.driver.nonce("payer@example.com")
    method_id = await taken_over(payments, nonce)
    await begun(payments)
    await payments.world.settle()
    assert (await migration(payments, method_id)).state is MigrationState.SWITCHED
    assert tokens(payments) == {method_id: payments.account}


async def test_paypal_that_is_dunned_as_a_card_has_its_subscriptions_sent(payments: Payments) -> None:
    await payments.adds()
    await payments.world.settle()
    subscription = await subscribed(payments)
    vaulted(payments, OLD, payments.account)
    method_id = await taken_over(payments, OLD, kind=MethodKind.CREDIT_CARD)
    await begun(payments)
    await payments.world.settle()
    one = await migration(payments, method_id)
    assert (one.state, one.broken, one.over) == (
        MigrationState.SWITCHED,
        Brokenness.DUNNED_AS_CARD,
        True,
    )
    assert (await payments.kept()).methods[method_id].details.kind is MethodKind.PAYPAL
    (found,) = payments.objects("subscription")
    assert (found["id"], found["collection_method"]) == (subscription, "send_invoice")
    assert tokens(payments) == {OLD: payments.account}


async def test_a_dry_run_changes_nothing_anywhere(payments: Payments) -> None:
    method_id = await on_the_wrong_customer(payments)
    await payments.world.settle()
    before = (payments.vault.driver.ledger(), await payments.kept(), payments.objects("subscription"))
    await begun(payments, dry_run=True)
    await payments.world.settle()
    assert (await migration(payments, method_id)).state is MigrationState.FOUND
    assert (payments.vault.driver.ledger(), await payments.kept(), payments.objects("subscription")) == before


async def test_a_batch_that_is_stopped_goes_no_further_until_it_may(payments: Payments) -> None:
    method_id = await on_the_wrong_customer(payments)
    batch = await begun(payments)
    await payments.world.say(batch, StopPayPalBatch(reason="wait"))
    async with payments.world.member():
        await payments.world.gone_wrong(payments.account)
    assert "stopped: wait" in (await payments.world.effect_rows(payments.account))[-1]["last_error"]
    assert (await migration(payments, method_id)).state is MigrationState.EXAMINING
    await payments.world.say(batch, ResumePayPalBatch(reason="go"))
    await payments.world.leases_run_out()
    await payments.world.settle()
    assert (await migration(payments, method_id)).awaited


async def test_one_switch_stops_all_batches(payments: Payments) -> None:
    method_id = await on_the_wrong_customer(payments)
    await begun(payments)
    connection, name = payments.world.connection, paypal_batches.SWITCH
    await switches.switch(connection, name, off=True, by="operator:test", reason="an incident")
    async with payments.world.member():
        await payments.world.gone_wrong(payments.account)
    assert (await migration(payments, method_id)).state is MigrationState.EXAMINING
    await switches.switch(connection, name, off=False, by="operator:test", reason="over")
    await payments.world.leases_run_out()
    await payments.world.settle()
    assert (await migration(payments, method_id)).awaited


async def test_what_was_switched_is_taken_back(payments: Payments) -> None:
    method_id = await on_the_wrong_customer(payments)
    await migrated(payments)
    await payments.world.say(
        payments.account, RollBackPayPalMigration(method_id=method_id, reason="the payer asked")
    )
    await payments.world.settle()
    assert (await migration(payments, method_id)).state is MigrationState.ROLLED_BACK
    assert (await payments.only()).details.reference == OLD
    assert tokens(payments) == {OLD: THEIRS}


async def test_an_agreement_that_another_account_pays_with_is_left_to_a_person(payments: Payments) -> None:
    method_id = await on_the_wrong_customer(payments)
    other = Payments(payments.world, payments.vault, await payments.world.customer_of_ada())
    await taken_over(other, OLD)
    await begun(payments)
    await payments.world.settle()
    one = await migration(payments, method_id)
    assert one.state is MigrationState.FAILED
    assert "Another account" in str(one.why)
    assert tokens(payments) == {OLD: THEIRS}


async def test_an_agreement_that_was_revoked_ends_its_method(payments: Payments) -> None:
    method_id = await on_the_wrong_customer(payments)
    payments.vault.driver.revoke(OLD, copies=0)
    await begun(payments)
    await payments.world.settle()
    assert (await payments.kept()).methods[method_id].state is MethodState.REVOKED
    assert (await migration(payments, method_id)).state is MigrationState.FAILED


async def test_a_method_that_was_removed_on_the_way_leaves_nothing_in_the_vault(payments: Payments) -> None:
    method_id = await on_the_wrong_customer(payments)
    await begun(payments)
    await payments.world.settle()
    await imports(payments, review=False)
    await payments.world.say(payments.account, RemovePaymentMethod(method_id=method_id))
    await payments.world.say(payments.account, ReviewPayPalMigrations())
    await payments.world.settle()
    assert tokens(payments) == {}
    assert (await migration(payments, method_id)).state is MigrationState.FAILED


async def test_an_erasure_takes_both_references_out_of_the_vault(payments: Payments) -> None:
    method_id = await on_the_wrong_customer(payments)
    await migrated(payments)
    await payments.world.say(payments.account, EraseAccount(reason="asked for"))
    await payments.world.settle()
    assert tokens(payments) == {}
    assert (await migration(payments, method_id)).old.payer_email is None


@pytest.mark.parametrize("point", CLOSING)
async def test_killed_at_each_step_on_the_way_there(payments: Payments, point: str) -> None:
    method_id = await on_the_wrong_customer(payments)
    await payments.world.settle()
    await begun(payments)
    await payments.world.settle()
    await imports(payments)
    for state in (MigrationState.FOUND, MigrationState.IMPORTED, MigrationState.VERIFIED):
        assert (await migration(payments, method_id)).state is state
        await killed_at(payments.world, point, braintree=payments.vault.url)
        await performed(payments)
    await payments.world.settle()
    assert (await migration(payments, method_id)).state is MigrationState.SWITCHED
    assert tokens(payments) == {OLD: THEIRS, method_id: payments.account}


@pytest.mark.parametrize("point", ["paypal.customer_there", "paypal.vaulted"])
async def test_killed_while_a_nonce_is_vaulted(payments: Payments, point: str) -> None:
    method_id = await taken_over(payments, payments.vault.driver.nonce("payer@example.com"))
    await begun(payments)
    await performed(payments)
    assert (await migration(payments, method_id)).state is MigrationState.FOUND
    await killed_at(payments.world, point, braintree=payments.vault.url)
    await payments.world.settle()
    assert (await migration(payments, method_id)).state is MigrationState.SWITCHED
    assert tokens(payments) == {method_id: payments.account}
    created = [what for what, _ in payments.vault.driver.ledger()].count("payment_method.created")
    assert created == 1


async def test_killed_while_the_old_reference_is_let_go(payments: Payments) -> None:
    method_id = await on_the_wrong_customer(payments)
    await migrated(payments)
    charged(payments, method_id)
    await payments.world.say(payments.account, ReviewPayPalMigrations())
    await killed_at(payments.world, "effects.committed", braintree=payments.vault.url)
    await payments.world.relay()
    await killed_at(payments.world, "paypal.old_deleted", braintree=payments.vault.url)
    await payments.world.settle()
    assert (await migration(payments, method_id)).state is MigrationState.OLD_REVOKED
    assert tokens(payments) == {method_id: payments.account}


async def test_killed_on_the_way_back(payments: Payments) -> None:
    method_id = await on_the_wrong_customer(payments)
    await migrated(payments)
    await take_back(payments, method_id)
    await performed(payments)
    await killed_at(payments.world, "paypal.new_deleted", braintree=payments.vault.url)
    await payments.world.settle()
    assert (await migration(payments, method_id)).state is MigrationState.ROLLED_BACK
    assert tokens(payments) == {OLD: THEIRS}


async def test_braintree_that_answers_too_late_has_made_one_token(payments: Payments) -> None:
    method_id = await taken_over(payments, payments.vault.driver.nonce("payer@example.com"))
    payments.vault.driver.fault("reset_after_effect", method="POST", path="payment_methods$")
    await begun(payments)
    await payments.world.settle()
    assert (await migration(payments, method_id)).state is MigrationState.SWITCHED
    assert tokens(payments) == {method_id: payments.account}


async def test_a_step_that_is_asked_for_twice_is_done_once(payments: Payments) -> None:
    method_id = await on_the_wrong_customer(payments)
    batch = await begun(payments)
    await payments.world.say(payments.account, MigratePayPal(batch=batch, dry_run=False))
    await payments.world.settle()
    await imports(payments)
    await payments.world.say(payments.account, ReviewPayPalMigrations())
    await payments.world.settle()
    assert (await migration(payments, method_id)).state is MigrationState.SWITCHED
    kinds = [row["kind"] for row in await payments.world.effect_rows(payments.account)]
    assert kinds.count(MIGRATE) == 5, "examined, awaited, imported, verified, switched"
