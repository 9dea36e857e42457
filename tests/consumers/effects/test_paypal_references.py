"""Which of a migrated method's two references may be let go, and when: never the last good one."""

from datetime import UTC, datetime

import pytest

from consumers.performers.paypal_revocation import LOST
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
    take_back,
    taken_over,
    tokens,
    told_of,
    vaulted,
)
from tests.consumers.effects.test_kills import killed_at
from topics.accounts import EraseAccount
from topics.payment_methods import MethodState, RemovePaymentMethod, SetDefaultPaymentMethod
from topics.paypal_batches import StopPayPalBatch
from topics.paypal_migrations import (
    MigrationState,
    ReviewPayPalMigrations,
)

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="session")]
LONG_AGO = datetime(2024, 1, 1, tzinfo=UTC)


async def switched(payments: Payments) -> str:
    """A method that was moved from another customer."""
    method_id = await on_the_wrong_customer(payments)
    await migrated(payments)
    assert (await migration(payments, method_id)).state is MigrationState.SWITCHED
    return method_id


async def test_a_nonce_that_is_the_default_is_told_to_nobody(payments: Payments) -> None:
    method_id = await taken_over(payments, NONCE)
    await payments.world.say(payments.account, SetDefaultPaymentMethod(method_id=method_id))
    await payments.world.settle()
    kinds = "SELECT state FROM effects WHERE account_id = $1 AND kind = 'braintree.align_payments'"
    assert await payments.world.connection.fetchval(kinds, payments.account) == "done"
    told = "SELECT count(*) FROM journal WHERE account_id = $1 AND body LIKE '%\"gone\":true%'"
    assert await payments.world.connection.fetchval(told, payments.account) == 0
    assert (await payments.only()).default


async def looked(payments: Payments) -> None:
    await payments.world.say(payments.account, ReviewPayPalMigrations())
    await payments.world.settle()


async def taken_back(payments: Payments, method_id: str) -> None:
    await take_back(payments, method_id)
    await payments.world.settle()


async def stopped(payments: Payments) -> bool:
    return await switches.switched_off(payments.world.connection, paypal_batches.LETTING_GO) is not None


async def test_a_payment_that_may_still_be_declined_lets_nothing_go(payments: Payments) -> None:
    method_id = await switched(payments)
    sale = payments.vault.gateway().transaction.sale(
        {"payment_method_token": method_id, "amount": "10.00", "options": {"submit_for_settlement": True}}
    )
    payments.vault.driver.settle(sale.transaction.id, outcome="settlement_pending")
    await looked(payments)
    assert tokens(payments).keys() == {OLD, method_id}


async def test_a_payment_of_an_earlier_attempt_is_none_of_this_one(payments: Payments) -> None:
    method_id = await switched(payments)
    await taken_back(payments, method_id)
    await payments.world.connection.execute(
        "UPDATE paypal_migrations SET began_on = began_on - interval '1 day'"
    )
    await imports_again(payments, method_id)
    charged(payments, method_id)
    await begun(payments)
    await payments.world.settle()
    await payments.world.connection.execute(
        "UPDATE paypal_migrations SET switched_on = switched_on + interval '1 hour' WHERE state = 'switched'"
    )
    await looked(payments)
    assert (await migration(payments, method_id)).charged is False
    assert tokens(payments).keys() == {OLD, method_id}


async def imports_again(payments: Payments, token: str) -> None:
    """Braintree keeps the imported agreement."""
    held = next(one for one in payments.vault.driver.methods() if one["token"] == OLD)
    payments.vault.driver.fill(
        customers=[{"id": payments.account}],
        methods=[
            {
                "token": token,
                "customer_id": payments.account,
                "email": "payer@example.com",
                "billing_agreement_id": held["billing_agreement_id"],
            }
        ],
    )


async def test_a_new_token_that_is_gone_leads_back_to_the_old_one(payments: Payments) -> None:
    method_id = await switched(payments)
    charged(payments, method_id)
    payments.vault.driver.remove(method_id)
    await looked(payments)
    assert tokens(payments) == {OLD: THEIRS}
    assert (await payments.only()).details.reference == OLD
    assert (await migration(payments, method_id)).state is MigrationState.FAILED
    assert not await stopped(payments)


async def test_an_old_token_that_is_gone_is_not_gone_back_to(payments: Payments) -> None:
    method_id = await switched(payments)
    payments.vault.driver.remove(OLD)
    await taken_back(payments, method_id)
    one = await migration(payments, method_id)
    assert (one.state, one.turning) == (MigrationState.SWITCHED, False)
    assert (await payments.only()).details.reference == method_id


async def test_a_payment_is_looked_for_before_the_new_token_is_given_up(payments: Payments) -> None:
    method_id = await switched(payments)
    charged(payments, method_id)
    await taken_back(payments, method_id)
    assert (await migration(payments, method_id)).state is MigrationState.OLD_REVOKED
    assert tokens(payments) == {method_id: payments.account}


async def test_an_agreement_that_was_revoked_before_is_no_alarm(payments: Payments) -> None:
    method_id = await switched(payments)
    charged(payments, method_id)
    payments.vault.driver.revoke(method_id, copies=0)
    await looked(payments)
    assert (await payments.kept()).methods[method_id].state is MethodState.REVOKED
    assert not await stopped(payments)


async def test_letting_go_that_ends_an_agreement_stops_all_batches_over_a_kill(payments: Payments) -> None:
    method_id = await switched(payments)
    charged(payments, method_id)
    await payments.world.say(payments.account, ReviewPayPalMigrations())
    await killed_at(payments.world, "effects.committed", braintree=payments.vault.url)
    await payments.world.relay()
    await killed_at(payments.world, "paypal.old_deleted", braintree=payments.vault.url)
    payments.vault.driver.remove(method_id)
    await payments.world.settle()
    assert await stopped(payments)
    assert (await payments.kept()).methods[method_id].state is MethodState.DETACHED


async def test_ways_back_are_held_too_when_letting_go_does_harm(payments: Payments) -> None:
    held = vaulted(payments, OLD, THEIRS)
    method_id = await taken_over(payments, OLD, agreement_id=held["billing_agreement_id"])
    batch = await migrated(payments)
    await switches.switch(
        payments.world.connection, paypal_batches.LETTING_GO, off=True, by="test", reason=LOST
    )
    await payments.world.say(batch, StopPayPalBatch(reason="looking"))
    await take_back(payments, method_id)
    async with payments.world.member():
        await payments.world.gone_wrong(payments.account)
    assert tokens(payments).keys() == {OLD, method_id}


async def test_a_revocation_that_a_step_sees_is_told(payments: Payments) -> None:
    held = vaulted(payments, OLD, THEIRS)
    method_id = await taken_over(payments, OLD, agreement_id=held["billing_agreement_id"])
    await begun(payments)
    await payments.world.settle()
    payments.vault.driver.revoke(OLD, copies=0)
    await imports(payments)
    await payments.world.settle()
    assert (await payments.kept()).methods[method_id].state is MethodState.REVOKED


async def test_removing_a_method_leaves_the_token_that_another_account_pays_with(payments: Payments) -> None:
    vaulted(payments, OLD, THEIRS)
    method_id = await taken_over(payments, OLD)
    other = Payments(payments.world, payments.vault, await payments.world.customer_of_ada())
    await taken_over(other, OLD)
    await payments.world.say(payments.account, RemovePaymentMethod(method_id=method_id))
    await payments.world.settle()
    assert tokens(payments) == {OLD: THEIRS}
    await other.world.say(other.account, RemovePaymentMethod(method_id=(await other.only()).id))
    await payments.world.settle()
    assert tokens(payments) == {}


async def test_an_old_token_that_another_account_pays_with_meanwhile_stays(payments: Payments) -> None:
    method_id = await switched(payments)
    other = Payments(payments.world, payments.vault, await payments.world.customer_of_ada())
    await taken_over(other, OLD)
    charged(payments, method_id)
    await looked(payments)
    one = await migration(payments, method_id)
    assert (one.state, "another account" in str(one.why)) == (MigrationState.OLD_REVOKED, True)
    assert tokens(payments).keys() == {OLD, method_id}


async def test_an_erasure_waits_for_no_batch_that_is_stopped(payments: Payments) -> None:
    held = vaulted(payments, OLD, THEIRS)
    method_id = await taken_over(payments, OLD, agreement_id=held["billing_agreement_id"])
    batch = await migrated(payments)
    await payments.world.say(batch, StopPayPalBatch(reason="wait"))
    await payments.world.say(payments.account, EraseAccount(reason="asked for"))
    await payments.world.settle()
    assert method_id
    assert tokens(payments) == {}


async def test_a_removed_method_that_is_taken_back_leaves_nothing(payments: Payments) -> None:
    method_id = await switched(payments)
    await payments.world.say(payments.account, RemovePaymentMethod(method_id=method_id))
    await taken_back(payments, method_id)
    assert tokens(payments) == {}


async def test_an_import_that_comes_too_late_is_let_go(payments: Payments) -> None:
    held = vaulted(payments, OLD, THEIRS)
    method_id = await taken_over(payments, OLD, agreement_id=held["billing_agreement_id"])
    await begun(payments)
    await payments.world.settle()
    await imports(payments, review=False)
    shown = next(one for one in payments.vault.driver.methods() if one["token"] == method_id)
    payments.vault.driver.remove(method_id)
    await payments.world.say(payments.account, RemovePaymentMethod(method_id=method_id))
    await looked(payments)
    assert (await migration(payments, method_id)).state is MigrationState.FAILED
    payments.vault.driver.fill(
        methods=[
            {
                "token": method_id,
                "customer_id": payments.account,
                "email": shown["email"],
                "billing_agreement_id": shown["billing_agreement_id"],
            }
        ]
    )
    await told_of(payments, method_id)
    await payments.world.settle()
    assert tokens(payments) == {}


@pytest.mark.parametrize("kind", ["paypal_one_time", "used"])
async def test_a_young_nonce_that_keeps_nothing_ends_its_method(payments: Payments, kind: str) -> None:
    if kind == "used":
        nonce = payments.vault.driver.nonce("payer@example.com")
        gateway = payments.vault.gateway()
        gateway.customer.create({"id": "elsewhere"})
        assert gateway.payment_method.create(
            {"customer_id": "elsewhere", "payment_method_nonce": nonce}
        ).is_success
    else:
        nonce = payments.vault.driver.nonce("payer@example.com", type=kind)
    method_id = await taken_over(payments, nonce)
    await begun(payments)
    for _ in range(5):
        await payments.world.settle()
        await payments.world.leases_run_out()
    assert (await payments.kept()).methods[method_id].state is MethodState.REVOKED
    assert (await migration(payments, method_id)).state is MigrationState.FAILED


async def test_of_two_agreements_a_person_has_to_say_which(payments: Payments) -> None:
    vaulted(payments, "tok1", payments.account, "payer@example.com")
    vaulted(payments, "tok2", payments.account, "payer@example.com")
    method_id = await taken_over(payments, NONCE, created_at=LONG_AGO)
    await begun(payments)
    await payments.world.settle()
    one = await migration(payments, method_id)
    assert (one.state, "a person" in str(one.why)) == (MigrationState.FAILED, True)
    assert (await payments.kept()).methods[method_id].state is MethodState.ACTIVE


async def test_a_paypal_account_without_an_agreement_ends(payments: Payments) -> None:
    payments.vault.driver.fill(
        customers=[{"id": payments.account}],
        methods=[{"token": OLD, "customer_id": payments.account, "type": "paypal_one_time"}],
    )
    method_id = await taken_over(payments, OLD)
    await begun(payments)
    await payments.world.settle()
    assert (await payments.kept()).methods[method_id].state is MethodState.REVOKED
    assert tokens(payments) == {}
