"""The decision to end differences: what is owed, and what is never touched."""

from datetime import timedelta

from handlers.payment_effects import (
    ALIGN_BRAINTREE,
    ALIGN_STRIPE,
    READ_BRAINTREE,
    READ_METHOD,
    READ_SUBSCRIPTION,
)
from handlers.repair_stages import SINGLE, STAGES, Run, widest
from handlers.stripe_customers import DISCARD_EFFECT
from tests.handlers.payment_worlds import subscription
from tests.handlers.worlds import World, registered
from topics.codes import Code
from topics.drift import DiscardStripeCustomer, RepairDrift
from topics.message import Role
from topics.observation import Observation
from topics.payment_methods import AddPaymentMethod, MethodKind
from topics.stripe_customers import LinkStripeCustomer, StripeCustomerShared, StripeSyncRequested
from topics.subscriptions import SubscriptionStatus

EVERYTHING = RepairDrift(
    customer=True,
    collection=True,
    vault=True,
    payment_methods=("pm_1",),
    subscriptions=("sub_1",),
    agreements=("token",),
)


def linked() -> World:
    """An account with a customer of its own."""
    world = registered()
    world.applied(LinkStripeCustomer(customer_id="cus_A"))
    return world


def test_readings_are_owed_before_anything_is_written() -> None:
    applied = linked().applied(EVERYTHING, Role.SUPPORT)
    assert applied.events == (StripeSyncRequested(),)
    kinds = [effect.kind for effect in applied.effects]
    assert kinds == [READ_METHOD, READ_SUBSCRIPTION, READ_BRAINTREE, ALIGN_STRIPE, ALIGN_BRAINTREE]
    assert applied.changes == {}


def test_nothing_is_owed_that_was_not_named() -> None:
    applied = linked().applied(RepairDrift(), Role.SUPPORT)
    assert (applied.events, applied.effects) == ((), ())


def test_only_support_repairs_and_discards() -> None:
    for command in (EVERYTHING, DiscardStripeCustomer(customer_id="cus_B")):
        assert linked().refused(command, Role.SERVICE).code is Code.FORBIDDEN


def test_a_shared_customer_is_never_repaired() -> None:
    world = linked()
    world.applied(StripeCustomerShared(customer_id="cus_A", accounts=2, as_of=world.now), Role.SYSTEM)
    assert world.refused(EVERYTHING, Role.SUPPORT).code is Code.MERGED_ACCOUNT


def test_an_authentication_under_way_is_not_disturbed() -> None:
    world = linked()
    world.applied(AddPaymentMethod(method_kind=MethodKind.CREDIT_CARD, payment_method="pm_1"))
    refused = world.refused(EVERYTHING, Role.SUPPORT)
    assert refused.code is Code.TRANSACTIONS_IN_PROGRESS
    assert "being set up" in refused.message


def test_the_first_payment_of_a_subscription_is_not_disturbed() -> None:
    world = linked()
    seen = Observation(at=world.now)
    for status, starting in ((SubscriptionStatus.INCOMPLETE, True), (SubscriptionStatus.ACTIVE, False)):
        seen = Observation(at=seen.at + timedelta(seconds=1))
        world.applied(subscription(seen, customer_id="cus_A", status=status), Role.SYSTEM)
        if starting:
            refused = world.refused(EVERYTHING, Role.SUPPORT)
            assert refused.code is Code.TRANSACTIONS_IN_PROGRESS
            assert "first payment" in refused.message
        else:
            assert world.applied(EVERYTHING, Role.SUPPORT).effects


def test_a_stray_customer_is_discarded_also_for_an_account_that_is_not_here() -> None:
    for world in (linked(), World()):
        (effect,) = world.applied(DiscardStripeCustomer(customer_id="cus_B"), Role.SUPPORT).effects
        assert (effect.kind, effect.payload) == (DISCARD_EFFECT, {"customer_id": "cus_B"})


def test_the_accounts_own_customer_is_not_discarded() -> None:
    refused = linked().refused(DiscardStripeCustomer(customer_id="cus_A"), Role.SUPPORT)
    assert refused.code is Code.VERSION_CONFLICT


def test_each_clean_run_opens_the_next_stage_and_none_beyond() -> None:
    runs: list[Run] = []
    for reached, opened in zip(STAGES, (*STAGES[1:], STAGES[-1]), strict=True):
        assert widest(runs) == reached
        runs.append(Run(reached, clean=True))
        assert widest(runs) == opened


def test_a_run_that_left_something_sends_everybody_back_to_single_accounts() -> None:
    assert widest([Run(SINGLE, clean=True), Run(5, clean=True), Run(10, clean=False)]) == SINGLE
    assert widest([Run(5, clean=False), Run(SINGLE, clean=True)]) == STAGES[1]
