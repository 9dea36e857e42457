"""The migration of a PayPal method: each step, each way back, and what must never happen on the way."""

from datetime import timedelta

import pytest

from handlers.payment_effects import ALIGN_BRAINTREE, ALIGN_STRIPE, READ_BRAINTREE
from handlers.paypal_migration import MIGRATE, is_nonce
from tests.handlers.payment_worlds import (
    event,
    kept,
    method,
    reading,
    subscription,
    with_card,
    with_paypal,
)
from tests.handlers.paypal_worlds import (
    BATCH,
    CHARGED_AT,
    DRY,
    LEGACY,
    NONCE,
    found,
    imported,
    kinds,
    migrating,
    migration,
    migrations,
    moved_to,
    paypal,
    ready,
    verified,
    with_legacy,
)
from topics.codes import Code
from topics.message import Role
from topics.payment_methods import (
    BraintreeMethodObserved,
    CollectionMethod,
    CollectionMethodChanged,
    MethodKind,
    MethodState,
    RemovePaymentMethod,
    StartPaymentMethodSetup,
)
from topics.paypal_migrations import (
    Brokenness,
    MigratePayPal,
    MigrationState,
    PayPalCharged,
    PayPalMigrationMoved,
    PayPalNeverKept,
    PayPalOldRevoked,
    ReviewPayPalMigrations,
)
from topics.stripe_customers import StripeCustomerShared
from topics.subscriptions import SubscriptionStatus


def test_each_method_at_braintree_is_looked_at() -> None:
    world, method_id = with_legacy()
    with_card(world)
    asked = world.applied(MigratePayPal(batch=BATCH, dry_run=False), Role.SYSTEM)
    assert kinds(asked) == [MIGRATE]
    assert asked.result == {"methods": [method_id]}
    assert migration(world, method_id).state is MigrationState.EXAMINING


def test_a_dry_run_ends_with_what_it_found() -> None:
    world, method_id = with_legacy()
    migrating(world, dry_run=True, batch=DRY)
    decision = world.applied(found(method_id, batch=DRY), Role.SYSTEM)
    assert kinds(decision) == []
    one = migration(world, method_id)
    assert (one.state, one.broken, one.new, one.over) == (
        MigrationState.FOUND,
        Brokenness.WRONG_CUSTOMER,
        method_id,
        True,
    )
    assert method(world, method_id).details.reference == LEGACY


def test_what_a_dry_run_found_is_begun_anew_by_the_run_after_it() -> None:
    world, method_id = with_legacy()
    migrating(world, dry_run=True, batch=DRY)
    world.applied(found(method_id, batch=DRY), Role.SYSTEM)
    migrating(world)
    assert (migration(world, method_id).state, migration(world, method_id).batch) == (
        MigrationState.EXAMINING,
        BATCH,
    )


def test_what_another_batch_has_in_hand_is_left_to_it() -> None:
    world, method_id = moved_to(MigrationState.IMPORTED)
    again = world.applied(MigratePayPal(batch=DRY, dry_run=False), Role.SYSTEM)
    assert again.changes == {}
    assert migration(world, method_id).batch == BATCH


def test_a_method_goes_all_the_way() -> None:
    world, method_id = moved_to(MigrationState.SWITCHED)
    assert method(world, method_id).details.reference == method_id
    one = migration(world, method_id)
    assert (one.old.reference, one.new, one.over) == (LEGACY, method_id, False)
    charged = world.applied(PayPalCharged(reference=method_id, charged_at=CHARGED_AT), Role.SYSTEM)
    assert kinds(charged) == [MIGRATE]
    world.applied(PayPalOldRevoked(method_id=method_id, batch=BATCH), Role.SYSTEM)
    assert migration(world, method_id).state is MigrationState.OLD_REVOKED
    moves = [event.state for event in world.events if isinstance(event, PayPalMigrationMoved)]
    assert moves == [
        MigrationState.EXAMINING,
        MigrationState.FOUND,
        MigrationState.IMPORTED,
        MigrationState.VERIFIED,
        MigrationState.SWITCHED,
        MigrationState.SWITCHED,
        MigrationState.OLD_REVOKED,
    ]


def test_both_references_are_kept_until_a_payment_went_through() -> None:
    world, method_id = moved_to(MigrationState.SWITCHED)
    reviewed = world.applied(ReviewPayPalMigrations(), Role.SYSTEM)
    assert kinds(reviewed) == [MIGRATE]
    assert migration(world, method_id).charged is False
    other = world.applied(PayPalCharged(reference=LEGACY, charged_at=CHARGED_AT), Role.SYSTEM)
    assert other.changes == {}


def test_switching_brings_both_processors_in_line() -> None:
    world, method_id = moved_to(MigrationState.VERIFIED)
    switched = world.applied(ready(method_id), Role.SYSTEM)
    assert {ALIGN_STRIPE, ALIGN_BRAINTREE} <= set(kinds(switched))


def test_nothing_is_switched_while_a_payment_is_in_flight() -> None:
    world, method_id = moved_to(MigrationState.VERIFIED)
    world.applied(subscription(event(1), status=SubscriptionStatus.INCOMPLETE), Role.SYSTEM)
    waits = world.applied(ready(method_id), Role.SYSTEM)
    assert waits.changes == {}
    (later,) = waits.effects
    assert (later.kind, later.after) == (MIGRATE, timedelta(minutes=1))
    assert method(world, method_id).details.reference == LEGACY


def test_a_nonce_with_its_agreement_in_the_vault_is_exchanged_for_its_token() -> None:
    world, method_id = with_legacy(NONCE)
    migrating(world)
    fact = found(method_id, broken=Brokenness.NONCE_AS_TOKEN, source=paypal("tok1"), in_vault=False)
    world.applied(fact, Role.SYSTEM)
    one = migration(world, method_id)
    assert (one.new, one.made, one.in_vault) == ("tok1", False, False)


def test_a_nonce_without_an_agreement_ends_and_its_payer_is_asked_again() -> None:
    world, method_id = with_legacy(NONCE)
    migrating(world)
    fact = found(method_id, broken=Brokenness.NONCE_AS_TOKEN, source=None, movable=False, in_vault=False)
    world.applied(fact, Role.SYSTEM)
    gone = method(world, method_id)
    assert (gone.state, gone.default) == (MethodState.REVOKED, False)
    assert "Connect PayPal again" in str(gone.reason)
    assert migration(world, method_id).state is MigrationState.FAILED
    changes = [one for one in world.events if isinstance(one, CollectionMethodChanged)]
    assert changes[-1].collection_method is CollectionMethod.CHARGE_AUTOMATICALLY


def test_a_dry_run_ends_no_method() -> None:
    world, method_id = with_legacy(NONCE)
    migrating(world, dry_run=True, batch=DRY)
    fact = found(
        method_id,
        batch=DRY,
        broken=Brokenness.NONCE_AS_TOKEN,
        source=None,
        movable=False,
        in_vault=False,
    )
    world.applied(fact, Role.SYSTEM)
    assert method(world, method_id).state is MethodState.ACTIVE
    assert migration(world, method_id).why is not None


def test_paypal_that_is_filed_as_a_card_becomes_paypal() -> None:
    world, method_id = with_legacy(kind=MethodKind.CREDIT_CARD)
    migrating(world)
    world.applied(found(method_id, broken=None), Role.SYSTEM)
    assert migration(world, method_id).broken is Brokenness.DUNNED_AS_CARD
    for fact in (imported(method_id, LEGACY), verified(method_id), ready(method_id, LEGACY)):
        world.applied(fact, Role.SYSTEM)
    one = migration(world, method_id)
    assert (one.state, one.over) == (MigrationState.SWITCHED, True)
    assert method(world, method_id).details.kind is MethodKind.PAYPAL
    changes = [one for one in world.events if isinstance(one, CollectionMethodChanged)]
    assert changes[-1].collection_method is CollectionMethod.SEND_INVOICE


def test_subscriptions_that_are_charged_as_a_card_are_a_fault_of_their_own() -> None:
    world, method_id = with_legacy()
    world.applied(subscription(event(1)), Role.SYSTEM)
    migrating(world)
    world.applied(found(method_id, broken=None), Role.SYSTEM)
    assert migration(world, method_id).broken is Brokenness.DUNNED_AS_CARD


def test_a_method_that_is_as_it_shall_be_is_sound() -> None:
    world, method_id = with_legacy()
    migrating(world)
    assert kinds(world.applied(found(method_id, broken=None), Role.SYSTEM)) == []
    assert migration(world, method_id).state is MigrationState.SOUND


def test_what_upstream_repeats_of_an_old_reference_is_no_method() -> None:
    world, method_id = moved_to(MigrationState.SWITCHED)
    world.applied(PayPalCharged(reference=method_id, charged_at=CHARGED_AT), Role.SYSTEM)
    world.applied(PayPalOldRevoked(method_id=method_id, batch=BATCH), Role.SYSTEM)
    migrating(world, dry_run=True, batch=DRY)
    world.applied(found(method_id, batch=DRY, broken=None), Role.SYSTEM)
    old = BraintreeMethodObserved(reference=LEGACY, seen=event(1, "again"), details=paypal(LEGACY))
    assert world.applied(old, Role.SYSTEM).changes == {}
    assert method(world, method_id).details.reference == method_id


def test_each_batch_keeps_what_it_found() -> None:
    world, method_id = with_legacy()
    migrating(world, dry_run=True, batch=DRY)
    world.applied(found(method_id, batch=DRY), Role.SYSTEM)
    migrating(world)
    assert [one.batch for one in migrations(world).of_method(method_id)] == [BATCH, DRY]
    assert migrations(world).rows[method_id, DRY].state is MigrationState.FOUND


def test_a_nonce_that_turns_out_to_be_used_up_ends_its_method() -> None:
    world, method_id = with_legacy(NONCE)
    migrating(world)
    young = found(method_id, broken=Brokenness.NONCE_AS_TOKEN, source=None, in_vault=False)
    world.applied(young, Role.SYSTEM)
    world.applied(PayPalNeverKept(method_id=method_id, batch=BATCH), Role.SYSTEM)
    assert method(world, method_id).state is MethodState.REVOKED
    assert migration(world, method_id).state is MigrationState.FAILED


def test_a_shared_customer_is_left_alone() -> None:
    world, _ = with_legacy()
    world.applied(StripeCustomerShared(customer_id="cus_A", accounts=2, as_of=reading(5).at), Role.SYSTEM)
    assert world.code(MigratePayPal(batch=BATCH, dry_run=False), Role.SYSTEM) is Code.MERGED_ACCOUNT


def test_a_method_that_was_removed_on_the_way_is_not_switched() -> None:
    world, method_id = moved_to(MigrationState.VERIFIED)
    world.applied(RemovePaymentMethod(method_id=method_id))
    world.applied(ready(method_id), Role.SYSTEM)
    assert migration(world, method_id).state is MigrationState.ROLLING_BACK
    assert method(world, method_id).gone


def test_the_second_token_of_an_agreement_is_no_second_method() -> None:
    world, method_id = moved_to(MigrationState.IMPORTED)
    seen = BraintreeMethodObserved(reference=method_id, seen=reading(9), details=paypal(method_id))
    assert world.applied(seen, Role.SYSTEM).changes == {}
    assert len(kept(world).methods) == 1


def test_word_that_the_old_token_was_revoked_has_the_new_one_looked_at() -> None:
    world, method_id = moved_to(MigrationState.SWITCHED)
    told = world.applied(BraintreeMethodObserved(reference=LEGACY, seen=event(70), revoked=True), Role.SYSTEM)
    (read,) = told.effects
    assert (read.kind, read.payload["reference"]) == (READ_BRAINTREE, method_id)


def test_a_nonce_does_not_go_from_the_vault_where_it_never_was() -> None:
    world, method_id = with_legacy(NONCE)
    gone = BraintreeMethodObserved(reference=NONCE, seen=reading(5), gone=True)
    assert world.applied(gone, Role.SYSTEM).changes == {}
    assert method(world, method_id).state is MethodState.ACTIVE


@pytest.mark.parametrize("nonce", [NONCE, "fake-paypal-one-time-nonce", "tokencc_bc_1_2"])
def test_a_nonce_is_known_by_its_looks(nonce: str) -> None:
    assert is_nonce(nonce)


@pytest.mark.parametrize("token", [LEGACY, "7d9e0c1b2a3f4e5d6c7b8a9f0e1d2c3b", "g2x7bn"])
def test_a_token_of_the_vault_is_no_nonce(token: str) -> None:
    assert not is_nonce(token)


def test_two_rows_of_one_agreement_become_one() -> None:
    world, method_id = moved_to(MigrationState.VERIFIED)
    other = with_paypal(world, default=True, nick_name="Work")
    world.applied(ready(method_id, other), Role.SYSTEM)
    assert method(world, other).gone
    heir = method(world, method_id)
    assert (heir.default, heir.billing["nick_name"], heir.chosen_on is not None) == (True, "Work", True)
    assert method(world, method_id).details.reference == other


def test_a_setup_under_way_is_no_business_of_a_migration() -> None:
    world, _ = with_legacy()
    world.applied(StartPaymentMethodSetup())
    migrating(world)
    assert len(migrations(world).rows) == 1
