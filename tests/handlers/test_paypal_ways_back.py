"""The ways back of a migration, and what must not be kept of it."""

import pytest

from handlers.paypal_migration import MIGRATE
from tests.handlers.payment_worlds import (
    method,
    reading,
)
from tests.handlers.paypal_worlds import (
    BATCH,
    CHARGED_AT,
    DRY,
    LEGACY,
    back,
    found,
    kinds,
    migrating,
    migration,
    moved_to,
    paypal,
    ready,
    step_failed,
    with_legacy,
)
from topics.accounts import EraseAccount
from topics.codes import Code
from topics.message import Role
from topics.payment_methods import (
    BraintreeMethodObserved,
)
from topics.paypal_migrations import (
    Brokenness,
    MigrationState,
    PayPalCharged,
    PayPalOldRevoked,
    PayPalRolledBack,
    PayPalTurnedBack,
)
from topics.stripe_customers import StripeCustomerShared


@pytest.mark.parametrize("state", [MigrationState.FOUND, MigrationState.IMPORTED, MigrationState.VERIFIED])
def test_a_step_that_fails_undoes_what_was_made(state: MigrationState) -> None:
    world, method_id = moved_to(state)
    assert kinds(world.applied(step_failed(method_id, state), Role.SYSTEM)) == [MIGRATE]
    assert migration(world, method_id).state is MigrationState.ROLLING_BACK
    world.applied(PayPalRolledBack(method_id=method_id, batch=BATCH), Role.SYSTEM)
    assert migration(world, method_id).state is MigrationState.FAILED
    assert method(world, method_id).details.reference == LEGACY


@pytest.mark.parametrize(
    "state",
    [MigrationState.FOUND, MigrationState.IMPORTED, MigrationState.VERIFIED, MigrationState.SWITCHED],
)
def test_support_takes_back_each_step(state: MigrationState) -> None:
    world, method_id = moved_to(state)
    before = method(world, method_id)
    world.applied(back(method_id), Role.SUPPORT)
    if state is MigrationState.SWITCHED:
        assert method(world, method_id).details.reference == method_id, "the old one was not seen yet"
        world.applied(PayPalTurnedBack(method_id=method_id, batch=BATCH), Role.SYSTEM)
    assert method(world, method_id).details == paypal(LEGACY)
    world.applied(PayPalRolledBack(method_id=method_id, batch=BATCH), Role.SYSTEM)
    assert migration(world, method_id).state is MigrationState.ROLLED_BACK
    assert method(world, method_id).default is before.default


def test_what_was_only_looked_at_is_taken_back_at_once() -> None:
    world, method_id = with_legacy()
    migrating(world)
    assert kinds(world.applied(back(method_id), Role.SUPPORT)) == []
    assert migration(world, method_id).state is MigrationState.ROLLED_BACK


def test_a_way_back_that_leads_nowhere_ends_where_it_began() -> None:
    world, method_id = moved_to(MigrationState.SWITCHED)
    world.applied(back(method_id), Role.SUPPORT)
    world.applied(step_failed(method_id, MigrationState.ROLLING_BACK), Role.SYSTEM)
    one = migration(world, method_id)
    assert (one.state, one.why, one.over) == (MigrationState.SWITCHED, "Braintree: no.", False)
    assert method(world, method_id).details.reference == method_id


def test_a_payment_on_the_way_back_keeps_what_was_paid_with() -> None:
    world, method_id = moved_to(MigrationState.SWITCHED)
    world.applied(back(method_id), Role.SUPPORT)
    world.applied(PayPalCharged(reference=method_id, charged_at=CHARGED_AT), Role.SYSTEM)
    one = migration(world, method_id)
    assert (one.state, one.charged, one.turning) == (MigrationState.SWITCHED, True, False)


def test_a_payment_before_the_switch_is_none_with_the_new_reference() -> None:
    world, method_id = moved_to(MigrationState.SWITCHED)
    early = PayPalCharged(reference=method_id, charged_at=reading(0).at)
    assert world.applied(early, Role.SYSTEM).changes == {}


def test_a_new_token_that_is_gone_leads_back_to_the_old_one() -> None:
    world, method_id = moved_to(MigrationState.SWITCHED)
    world.applied(PayPalCharged(reference=method_id, charged_at=CHARGED_AT), Role.SYSTEM)
    world.applied(step_failed(method_id, MigrationState.SWITCHED), Role.SYSTEM)
    world.applied(PayPalTurnedBack(method_id=method_id, batch=BATCH), Role.SYSTEM)
    assert method(world, method_id).details.reference == LEGACY


def test_an_import_that_comes_after_the_end_is_let_go() -> None:
    world, method_id = moved_to(MigrationState.FOUND)
    world.applied(step_failed(method_id, MigrationState.FOUND), Role.SYSTEM)
    world.applied(PayPalRolledBack(method_id=method_id, batch=BATCH), Role.SYSTEM)
    late = BraintreeMethodObserved(reference=method_id, seen=reading(9), details=paypal(method_id))
    assert kinds(world.applied(late, Role.SYSTEM)) == [MIGRATE]
    assert migration(world, method_id).state is MigrationState.ROLLING_BACK
    world.applied(PayPalRolledBack(method_id=method_id, batch=BATCH), Role.SYSTEM)
    assert migration(world, method_id).state is MigrationState.FAILED


def test_a_customer_that_became_shared_on_the_way_stops_the_switch() -> None:
    world, method_id = moved_to(MigrationState.VERIFIED)
    world.applied(StripeCustomerShared(customer_id="cus_A", accounts=2, as_of=reading(5).at), Role.SYSTEM)
    world.applied(ready(method_id), Role.SYSTEM)
    assert migration(world, method_id).state is MigrationState.ROLLING_BACK
    assert method(world, method_id).details.reference == LEGACY


def test_what_was_found_of_an_erased_account_is_not_kept() -> None:
    world, method_id = with_legacy()
    migrating(world, dry_run=True, batch=DRY)
    world.applied(EraseAccount(reason="asked for"), Role.SUPPORT)
    world.applied(found(method_id, batch=DRY), Role.SYSTEM)
    one = migration(world, method_id)
    assert (one.state, one.source, one.old.payer_email) == (MigrationState.FAILED, None, None)


def test_there_is_no_way_back_once_a_payment_went_through() -> None:
    world, method_id = moved_to(MigrationState.SWITCHED)
    world.applied(PayPalCharged(reference=method_id, charged_at=CHARGED_AT), Role.SYSTEM)
    assert world.refused(back(method_id), Role.SUPPORT).code is Code.VERSION_CONFLICT
    world.applied(PayPalOldRevoked(method_id=method_id, batch=BATCH), Role.SYSTEM)
    assert world.refused(back(method_id), Role.SUPPORT).code is Code.VERSION_CONFLICT


def test_there_is_no_way_back_to_a_nonce() -> None:
    world, method_id = moved_to(
        MigrationState.SWITCHED, broken=Brokenness.NONCE_AS_TOKEN, source=None, in_vault=False
    )
    assert world.refused(back(method_id), Role.SUPPORT).code is Code.VERSION_CONFLICT


def test_only_support_takes_a_migration_back() -> None:
    world, method_id = moved_to(MigrationState.SWITCHED)
    assert world.code(back(method_id), Role.SERVICE) is Code.FORBIDDEN
    assert world.code(back("0" * 32), Role.SUPPORT) is Code.NOT_FOUND


def test_an_erasure_forgets_the_payer_and_lets_both_references_go() -> None:
    world, method_id = moved_to(MigrationState.SWITCHED)
    erased = world.applied(EraseAccount(reason="asked for"), Role.SUPPORT)
    assert MIGRATE in kinds(erased)
    one = migration(world, method_id)
    assert (one.old.payer_email, one.old.agreement_id) == (None, None)
    world.applied(PayPalOldRevoked(method_id=method_id, batch=BATCH), Role.SYSTEM)
    assert migration(world, method_id).state is MigrationState.OLD_REVOKED
