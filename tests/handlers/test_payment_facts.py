"""What is observed of methods at their processors, and what follows."""

from collections.abc import Callable

import pytest

from handlers.drift import payment_in_flight
from handlers.payment_effects import (
    ALIGN_BRAINTREE,
    ALIGN_STRIPE,
    READ_METHOD,
    READ_SETUP,
    SETUP_DEADLINE,
    read_subscription,
)
from handlers.payment_method import method_id_of
from tests.handlers.payment_worlds import (
    CUSTOMER,
    adds_card,
    agreement,
    at,
    card,
    default,
    event,
    kept,
    linked,
    method,
    mirrored,
    observed,
    reading,
    subscription,
    with_card,
    with_paypal,
)
from tests.handlers.worlds import World
from topics.payment_methods import (
    AddPaymentMethod,
    BraintreeMethodObserved,
    CollectionMethod,
    CollectionMethodChanged,
    MethodKind,
    MethodState,
    PaymentMethodActionRequired,
    PaymentMethodDeclined,
    PaymentMethodsReleased,
    PaymentMethodVaulted,
    RemovePaymentMethod,
    SetupDeadlinePassed,
    SetupIntentObserved,
    StripeCustomerObserved,
)
from topics.subscriptions import SubscriptionGone, SubscriptionStatus

SETUP = "seti_1"


def test_a_method_that_came_to_be_at_stripe_is_ours_to_charge() -> None:
    world = linked()
    world.applied(observed(event(1)))
    assert default(world) == method_id_of("pm_1")


def test_a_customer_that_is_linked_goes_on_being_charged_as_it_was() -> None:
    world = linked()
    newer, older = (card(name, created_at=at(made)) for name, made in (("pm_2", -60), ("pm_1", -90)))
    world.applied(observed(reading(1), details=newer).model_copy(update={"default": True}))
    world.applied(observed(reading(1), details=older))
    assert default(world) == method_id_of("pm_2")


def test_an_event_of_another_of_its_cards_before_the_reading_changes_nothing_of_that() -> None:
    world = linked()
    newer, older = (card(name, created_at=at(made)) for name, made in (("pm_2", -60), ("pm_1", -90)))
    world.applied(observed(event(1), details=older))
    world.applied(observed(reading(2), details=newer).model_copy(update={"default": True}))
    assert default(world) == method_id_of("pm_2")


@pytest.mark.parametrize("own", [with_card, with_paypal])
def test_the_order_of_an_account_that_pays_is_its_own(own: Callable[[World], str]) -> None:
    world = linked()
    own(world)
    late = card("pm_9", created_at=at(-60))
    world.applied(observed(reading(1), details=late).model_copy(update={"default": True}))
    assert method(world, method_id_of("pm_9")).chosen_on is None


def test_a_method_of_another_customer_is_not_ours() -> None:
    assert linked().applied(observed(event(1), customer="cus_B")).changes == {}


def test_word_of_an_attachment_activates_what_was_added() -> None:
    world = linked()
    method_id = adds_card(world)
    world.applied(observed(event(1)))
    assert method(world, method_id).state is MethodState.ACTIVE
    concluded = world.applied(PaymentMethodVaulted(method_id=method_id, details=card(), seen=reading(2)))
    assert concluded.changes == {}
    assert concluded.result is not None
    assert concluded.result["id"] == method_id
    assert len(kept(world).methods) == 1


def test_a_card_that_stripe_kept_before_the_setup_was_named_stays_one_card() -> None:
    world = linked()
    world.applied(observed(event(1)))
    method_id = adds_card(world, "pm_2")
    concluded = world.applied(PaymentMethodVaulted(method_id=method_id, details=card(), seen=reading(2)))
    assert concluded.result is not None
    assert concluded.result["id"] == method_id_of("pm_1")
    assert method(world, method_id).gone


def test_the_account_updater_brings_an_expired_card_back() -> None:
    world = linked()
    world.applied(observed(event(1), details=card(exp_year=2025)))
    (expired,) = kept(world).methods.values()
    assert (expired.state, expired.default) == (MethodState.EXPIRED, False)
    world.applied(observed(event(2), details=card(exp_year=2031)))
    assert method(world, expired.id).state is MethodState.ACTIVE
    assert default(world) == expired.id


def test_events_of_one_second_that_differ_have_the_method_read() -> None:
    world = linked()
    world.applied(observed(event(1, "e1")))
    decision = world.applied(observed(event(1, "e0"), details=card(exp_year=2031)))
    assert [effect.kind for effect in decision.effects] == [READ_METHOD]
    world.applied(observed(reading(2), details=card(exp_year=2031)))
    assert method(world, method_id_of("pm_1")).details.exp_year == 2031


def test_a_removed_method_that_stripe_still_holds_is_let_go_once_more() -> None:
    world = linked()
    method_id = with_card(world)
    world.applied(RemovePaymentMethod(method_id=method_id))
    world.applied(PaymentMethodsReleased(method_ids=(method_id,)))
    assert method(world, method_id).released
    told = world.applied(observed(event(5)))
    assert [effect.kind for effect in told.effects] == [READ_METHOD]
    read = world.applied(observed(reading(6)))
    assert ALIGN_STRIPE in [effect.kind for effect in read.effects]
    assert not method(world, method_id).released
    world.applied(observed(event(7), customer=None))
    assert method(world, method_id).released


def test_revoking_paypal_takes_it_away_and_has_stripe_charge_again() -> None:
    world = linked()
    with_card(world)
    paypal = with_paypal(world)
    world.applied(BraintreeMethodObserved(reference=paypal, seen=event(9), revoked=True))
    assert method(world, paypal).state is MethodState.REVOKED
    assert isinstance(world.events[-1], CollectionMethodChanged)
    assert world.events[-1].collection_method is CollectionMethod.CHARGE_AUTOMATICALLY


def test_a_token_that_is_gone_from_the_vault_is_gone_here() -> None:
    world = linked()
    paypal = with_paypal(world)
    world.applied(BraintreeMethodObserved(reference=paypal, seen=reading(9), gone=True))
    assert (method(world, paypal).state, method(world, paypal).released) == (MethodState.DETACHED, True)


def test_a_declined_agreement_that_the_vault_has_all_the_same_is_let_go() -> None:
    world = linked()
    added = world.applied(AddPaymentMethod(method_kind=MethodKind.PAYPAL))
    assert added.result is not None
    token = added.result["id"]
    used = PaymentMethodDeclined(method_id=token, code="93107", reason="Used before.", permanent=False)
    assert [effect.kind for effect in world.failed(used).applied.effects] == [ALIGN_BRAINTREE]
    world.applied(PaymentMethodsReleased(method_ids=(token,)))
    late = world.applied(BraintreeMethodObserved(reference=token, seen=reading(9), details=agreement(token)))
    assert [effect.kind for effect in late.effects] == [ALIGN_BRAINTREE]
    assert not method(world, token).released


def test_an_authenticated_setup_activates_its_method() -> None:
    world = linked()
    method_id = adds_card(world)
    world.applied(PaymentMethodActionRequired(method_id=method_id, setup_intent=SETUP, deadline=at(3600)))
    world.applied(SetupIntentObserved(setup_intent=SETUP, seen=event(3), details=card()))
    assert method(world, method_id).state is MethodState.ACTIVE
    assert method(world, method_id).deadline is None


def test_word_of_a_setup_in_hand_has_it_read_and_a_reading_has_not() -> None:
    world = linked()
    method_id = adds_card(world)
    world.applied(PaymentMethodActionRequired(method_id=method_id, setup_intent=SETUP, deadline=at(3600)))
    told = world.applied(SetupIntentObserved(setup_intent=SETUP, seen=event(3)))
    assert [effect.kind for effect in told.effects] == [READ_SETUP]
    assert world.applied(SetupIntentObserved(setup_intent=SETUP, seen=reading(4))).effects == ()


def test_a_failed_authentication_is_told_and_the_next_one_activates_the_method() -> None:
    world = linked()
    method_id = adds_card(world)
    world.applied(PaymentMethodActionRequired(method_id=method_id, setup_intent=SETUP, deadline=at(3600)))
    failed = SetupIntentObserved(setup_intent=SETUP, seen=event(3), failure="No.")
    assert [effect.kind for effect in world.applied(failed).effects] == [READ_SETUP]
    world.applied(failed.model_copy(update={"seen": reading(4)}))
    waiting = method(world, method_id)
    assert (waiting.state, waiting.deadline) == (MethodState.PENDING_SETUP, at(3600))
    assert waiting.reason == "No. Try again until 2026-11-23 13:00 UTC, or use another payment method."
    world.applied(SetupIntentObserved(setup_intent=SETUP, seen=reading(5), details=card()))
    assert (method(world, method_id).state, method(world, method_id).reason) == (MethodState.ACTIVE, None)


def test_an_abandoned_setup_is_looked_at_and_then_released() -> None:
    world = linked()
    method_id = adds_card(world)
    world.applied(PaymentMethodActionRequired(method_id=method_id, setup_intent=SETUP, deadline=at(3600)))
    (look,) = world.applied(SetupDeadlinePassed(setup_intent=SETUP)).effects
    assert (look.kind, look.payload["overdue"]) == (READ_SETUP, True)
    world.applied(SetupIntentObserved(setup_intent=SETUP, seen=reading(3700), closed=True))
    assert method(world, method_id).state is MethodState.DETACHED


def test_small_deposits_are_verified_within_days_and_hold_up_nothing() -> None:
    world = linked()
    method_id, days = adds_card(world), at(10 * 86_400)
    asked = world.applied(
        PaymentMethodActionRequired(method_id=method_id, setup_intent=SETUP, deadline=days, deposits=True)
    )
    assert asked.result is not None
    assert asked.result["deadline"] == "2026-12-03T12:00:00Z"
    assert "Verify them until 2026-12-03" in asked.result["reason"]
    assert payment_in_flight(kept(world), mirrored(world)) is None


def test_a_setup_that_turns_out_to_wait_for_deposits_is_come_back_to_later() -> None:
    world = linked()
    method_id, days = adds_card(world), at(10 * 86_400)
    world.applied(PaymentMethodActionRequired(method_id=method_id, setup_intent=SETUP, deadline=at(3600)))
    told = world.applied(SetupIntentObserved(setup_intent=SETUP, seen=reading(3700), deadline=days))
    assert [effect.kind for effect in told.effects] == [SETUP_DEADLINE]
    assert method(world, method_id).deadline == days


def test_a_setup_of_a_page_brings_its_method_by_itself() -> None:
    world = linked()
    world.applied(SetupIntentObserved(setup_intent=SETUP, seen=event(3), details=card()))
    world.applied(observed(event(3, "e2")))
    assert [one.id for one in kept(world).methods.values()] == [method_id_of("pm_1")]


@pytest.mark.parametrize(("shown", "aligns"), [("pm_1", False), ("pm_2", True), (None, True)])
def test_the_default_at_stripe_follows_ours(shown: str | None, aligns: bool) -> None:
    world = linked()
    with_card(world)
    decision = world.applied(
        StripeCustomerObserved(customer_id=CUSTOMER, default_payment_method=shown, seen=event(4))
    )
    assert bool(decision.effects) is aligns


def test_with_its_customer_a_method_is_gone() -> None:
    world = linked()
    method_id, paypal = with_card(world), with_paypal(world)
    world.applied(
        StripeCustomerObserved(customer_id=CUSTOMER, default_payment_method=None, deleted=True, seen=event(4))
    )
    assert method(world, method_id).gone
    assert default(world) == paypal


def test_with_its_customer_each_live_subscription_is_looked_at_whoever_tells() -> None:
    world = linked()
    world.applied(subscription(event(1, "e1")))
    world.applied(subscription(event(2, "e2"), subscription="sub_2", status=SubscriptionStatus.CANCELED))
    gone = StripeCustomerObserved(
        customer_id=CUSTOMER, default_payment_method=None, deleted=True, seen=event(4)
    )
    for seen in (event(4), reading(9)):
        told = world.applied(gone.model_copy(update={"seen": seen}))
        assert told.effects == (read_subscription("sub_1"),)
    world.applied(SubscriptionGone(subscription="sub_1", seen=reading(10)))
    assert world.applied(gone).effects == ()


def test_late_word_of_a_subscription_whose_customer_is_deleted_has_it_read_and_not_brought_in_line() -> None:
    world = linked()
    with_paypal(world)
    world.applied(
        StripeCustomerObserved(customer_id=CUSTOMER, default_payment_method=None, deleted=True, seen=event(4))
    )
    assert world.applied(subscription(event(3, "e3"))).effects == (read_subscription("sub_1"),)
    assert world.applied(subscription(reading(9))).effects == ()
