"""Several batches and several methods of one account: what one of them does must not undo another."""

from datetime import timedelta

import pytest

from handlers.paypal_migration import MIGRATE
from handlers.paypal_steps import TWICE
from tests.handlers.payment_worlds import kept, method, reading, with_paypal
from tests.handlers.paypal_worlds import (
    BATCH,
    CHARGED_AT,
    DRY,
    LEGACY,
    NONCE,
    WHY,
    back,
    found,
    imported,
    kinds,
    migrating,
    migration,
    migrations,
    moved_to,
    paypal,
    ready,
    step_failed,
    verified,
    with_legacy,
)
from tests.handlers.worlds import World
from topics.accounts import EraseAccount
from topics.codes import Code
from topics.message import Role
from topics.payment_methods import BraintreeMethodObserved, MethodKind, MethodState, RemovePaymentMethod
from topics.paypal_migrations import (
    Brokenness,
    MigrationState,
    PayPalCharged,
    PayPalRolledBack,
    PayPalTurnedBack,
    RollBackPayPalMigration,
)

LATER = "c" * 32


def of(batch: str, method_id: str) -> RollBackPayPalMigration:
    return RollBackPayPalMigration(method_id=method_id, reason=WHY, batch=batch)


def filed_anew() -> tuple[World, str]:
    """PayPal that was filed as a card, which a batch corrected and a later one looked at again."""
    world, method_id = with_legacy(kind=MethodKind.CREDIT_CARD)
    migrating(world)
    for fact in (
        found(method_id, broken=None),
        imported(method_id, LEGACY),
        verified(method_id),
        ready(method_id, LEGACY),
    ):
        world.applied(fact, Role.SYSTEM)
    world.now += timedelta(hours=1)
    migrating(world, batch=LATER)
    return world, method_id


def looked_at_again() -> tuple[World, str]:
    world, method_id = filed_anew()
    world.applied(found(method_id, broken=None, batch=LATER), Role.SYSTEM)
    assert migrations(world).rows[method_id, LATER].state is MigrationState.SOUND
    return world, method_id


@pytest.mark.parametrize("batch", [None, BATCH])
def test_what_a_later_batch_found_sound_can_still_be_taken_back(batch: str | None) -> None:
    world, method_id = looked_at_again()
    world.applied(of(batch, method_id) if batch else back(method_id), Role.SUPPORT)
    world.applied(PayPalTurnedBack(method_id=method_id, batch=BATCH), Role.SYSTEM)
    world.applied(PayPalRolledBack(method_id=method_id, batch=BATCH), Role.SYSTEM)
    assert migrations(world).rows[method_id, BATCH].state is MigrationState.ROLLED_BACK
    assert method(world, method_id).details.kind is MethodKind.CREDIT_CARD


def test_a_payment_found_on_that_way_back_ends_it() -> None:
    world, method_id = looked_at_again()
    world.applied(back(method_id), Role.SUPPORT)
    world.applied(PayPalCharged(reference=LEGACY, charged_at=CHARGED_AT), Role.SYSTEM)
    one = migrations(world).rows[method_id, BATCH]
    assert (one.state, one.charged, one.over) == (MigrationState.SWITCHED, True, True)


def test_a_batch_is_not_taken_back_under_a_later_one() -> None:
    world, method_id = filed_anew()
    refused = world.refused(of(BATCH, method_id), Role.SUPPORT)
    assert (refused.code, "later batch" in refused.message) == (Code.VERSION_CONFLICT, True)
    world.applied(of(LATER, method_id), Role.SUPPORT)
    world.applied(of(BATCH, method_id), Role.SUPPORT)
    assert migrations(world).rows[method_id, BATCH].state is MigrationState.ROLLING_BACK


def test_a_dry_run_is_not_taken_back() -> None:
    world, method_id = with_legacy()
    migrating(world, dry_run=True, batch=DRY)
    assert world.code(of(DRY, method_id), Role.SUPPORT) is Code.NOT_FOUND
    assert world.code(of(BATCH, method_id), Role.SUPPORT) is Code.NOT_FOUND


def test_what_another_batch_may_have_had_imported_is_not_let_go() -> None:
    world, method_id = moved_to(MigrationState.FOUND)
    world.applied(step_failed(method_id, MigrationState.FOUND), Role.SYSTEM)
    world.applied(PayPalRolledBack(method_id=method_id, batch=BATCH), Role.SYSTEM)
    world.now += timedelta(hours=1)
    migrating(world, batch=LATER)
    late = BraintreeMethodObserved(reference=method_id, seen=reading(9), details=paypal(method_id))
    assert world.applied(late, Role.SYSTEM).changes == {}
    assert migration(world, method_id).state is MigrationState.EXAMINING


def test_a_new_token_that_vanishes_before_anybody_paid_leads_back_to_the_old_one() -> None:
    world, method_id = moved_to(MigrationState.SWITCHED)
    gone = BraintreeMethodObserved(reference=method_id, seen=reading(90), gone=True)
    assert kinds(world.applied(gone, Role.SYSTEM)) == [MIGRATE]
    assert method(world, method_id).state is MethodState.ACTIVE
    world.applied(PayPalTurnedBack(method_id=method_id, batch=BATCH), Role.SYSTEM)
    assert method(world, method_id).details.reference == LEGACY


def test_a_new_token_that_vanishes_with_the_old_one_ends_the_method() -> None:
    world, method_id = moved_to(MigrationState.SWITCHED)
    gone = BraintreeMethodObserved(reference=method_id, seen=reading(90), gone=True)
    for fact in (gone, gone, step_failed(method_id, MigrationState.ROLLING_BACK)):
        world.applied(fact, Role.SYSTEM)
    assert method(world, method_id).state is MethodState.DETACHED
    assert migration(world, method_id).state is MigrationState.SWITCHED


def nonce_becoming(world: World, method_id: str, token: str) -> None:
    """A nonce of the same payer, whose agreement stands in the vault under a token, up to the switch."""
    migrating(world)
    stands = found(method_id, broken=Brokenness.NONCE_AS_TOKEN, source=paypal(token), in_vault=False)
    for fact in (stands, imported(method_id, token), verified(method_id)):
        world.applied(fact, Role.SYSTEM)


def test_a_method_does_not_become_what_was_just_removed() -> None:
    world, method_id = with_legacy(NONCE)
    other = with_paypal(world)
    nonce_becoming(world, method_id, other)
    world.applied(RemovePaymentMethod(method_id=other))
    world.applied(ready(method_id, other), Role.SYSTEM)
    assert migration(world, method_id).state is MigrationState.ROLLING_BACK
    assert method(world, method_id).details.reference == NONCE


def test_a_method_that_became_one_with_another_is_not_taken_back() -> None:
    world, method_id = moved_to(MigrationState.SWITCHED)
    nonce = BraintreeMethodObserved(reference=NONCE, seen=reading(70), details=paypal(NONCE))
    world.applied(nonce, Role.SYSTEM)
    (other,) = kept(world).methods.keys() - {method_id}
    migrating(world, batch=LATER)
    stands = {"broken": Brokenness.NONCE_AS_TOKEN, "source": paypal(method_id), "in_vault": False}
    world.applied(found(other, batch=LATER, **stands), Role.SYSTEM)
    world.applied(imported(other, method_id, batch=LATER), Role.SYSTEM)
    world.applied(verified(other, batch=LATER), Role.SYSTEM)
    world.applied(ready(other, method_id, batch=LATER), Role.SYSTEM)
    assert method(world, method_id).reason == TWICE
    assert world.code(back(method_id), Role.SUPPORT) is Code.VERSION_CONFLICT
    world.applied(PayPalCharged(reference=method_id, charged_at=CHARGED_AT), Role.SYSTEM)
    paid = {key: one.charged for key, one in migrations(world).rows.items()}
    assert paid == {(method_id, BATCH): True, (other, LATER): True}


def test_an_erasure_looks_for_what_was_made_for_a_migration_that_failed() -> None:
    world, method_id = moved_to(MigrationState.FOUND)
    world.applied(step_failed(method_id, MigrationState.FOUND), Role.SYSTEM)
    world.applied(PayPalRolledBack(method_id=method_id, batch=BATCH), Role.SYSTEM)
    assert MIGRATE in kinds(world.applied(EraseAccount(reason="asked for"), Role.SUPPORT))
    assert migration(world, method_id).state is MigrationState.ROLLING_BACK
