"""An account that is linked to another Stripe customer, and back."""

from handlers.payment_effects import READ_METHOD, READ_SUBSCRIPTION
from handlers.payment_gate import gate
from handlers.payment_method import ELSEWHERE, method_id_of
from tests.handlers.payment_worlds import (
    CUSTOMER,
    SUBSCRIPTION,
    adds_card,
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
from topics.message import Role
from topics.payment_methods import MethodState, PaymentMethodVaulted
from topics.stripe_customers import LinkStripeCustomer

OTHER = "cus_B"


def relinked(world: World, there: str = OTHER, before: str = CUSTOMER) -> list[str]:
    """Support links the account to another customer; the kinds of effects that it owes."""
    command = LinkStripeCustomer(customer_id=there, expected_customer_id=before)
    return [effect.kind for effect in world.applied(command, Role.SUPPORT).effects]


def paying() -> tuple[World, str]:
    """An account with a card and a subscription."""
    world = linked()
    method_id = with_card(world)
    world.applied(subscription(event(1)))
    return world, method_id


def test_what_the_former_customer_has_is_not_the_account_s_any_more() -> None:
    world, method_id = paying()
    paypal = with_paypal(world)
    relinked(world)
    left = method(world, method_id)
    assert (left.state, left.reason, left.released) == (MethodState.DETACHED, ELSEWHERE, True)
    assert not mirrored(world).subscriptions[SUBSCRIPTION].live
    assert default(world) == paypal
    assert gate(kept(world), world.now).method_id == paypal


def test_linking_back_has_everything_read_and_readings_bring_it_back() -> None:
    world, method_id = paying()
    relinked(world)
    owed = relinked(world, CUSTOMER, OTHER)
    assert owed[:2] == [READ_METHOD, READ_SUBSCRIPTION]
    world.applied(observed(reading(500)))
    world.applied(subscription(reading(500)))
    back = method(world, method_id)
    assert (back.state, back.default, back.reason, back.released) == (MethodState.ACTIVE, True, None, False)
    assert mirrored(world).subscriptions[SUBSCRIPTION].live


def test_a_reading_of_a_method_that_another_customer_has_ends_it_and_not_for_good() -> None:
    world, method_id = paying()
    told = world.applied(observed(event(5), customer=OTHER))
    assert [effect.kind for effect in told.effects] == [READ_METHOD]
    assert method(world, method_id).state is MethodState.ACTIVE
    world.applied(observed(reading(6), customer=OTHER))
    assert method(world, method_id).elsewhere
    told = world.applied(observed(event(7)))
    assert [effect.kind for effect in told.effects] == [READ_METHOD]
    world.applied(observed(reading(8)))
    assert method(world, method_id).state is MethodState.ACTIVE


def test_a_subscription_of_the_former_customer_is_over_whatever_is_still_told_of_it() -> None:
    world, _ = paying()
    relinked(world)
    world.applied(subscription(event(9)))
    assert not mirrored(world).subscriptions[SUBSCRIPTION].live
    assert mirrored(world).subscriptions[SUBSCRIPTION].elsewhere


def test_a_method_that_was_detached_meanwhile_stays_so() -> None:
    world, method_id = paying()
    relinked(world)
    world.applied(observed(reading(9), customer=None))
    relinked(world, CUSTOMER, OTHER)
    assert not method(world, method_id).elsewhere
    assert world.applied(observed(event(2), details=card())).changes == {}


def test_a_card_that_was_kept_before_its_own_answer_comes_back_as_well() -> None:
    world = linked()
    world.applied(observed(event(1)))
    method_id = adds_card(world, "pm_2")
    world.applied(PaymentMethodVaulted(method_id=method_id, details=card(), seen=reading(2)))
    assert len(kept(world).methods) == 2, "the row of its answer gave way to the first"
    relinked(world)
    relinked(world, CUSTOMER, OTHER)
    back = world.applied(observed(reading(500)))
    assert method(world, method_id_of("pm_1")).state is MethodState.ACTIVE
    assert method(world, method_id).gone
    assert all(one.released for one in kept(world).methods.values() if one.gone)
    assert back.changes


def test_the_choice_of_a_default_comes_back_with_it() -> None:
    world = linked()
    with_card(world, "pm_1")
    chosen = with_card(world, "pm_2", default=True)
    relinked(world)
    relinked(world, CUSTOMER, OTHER)
    for seconds, reference in ((500, "pm_1"), (501, "pm_2")):
        world.applied(observed(reading(seconds), details=card(reference)))
    assert default(world) == chosen
