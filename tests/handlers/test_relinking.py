"""An account that is linked to another Stripe customer, and back."""

from handlers.decision import Applied
from handlers.open_setups import waiting
from handlers.payment_effects import ALIGN_STRIPE, READ_METHOD, READ_SUBSCRIPTION, START_SETUP
from handlers.payment_gate import gate
from handlers.payment_method import ELSEWHERE, method_id_of
from handlers.stripe_customers import READ_CUSTOMER
from tests.handlers.payment_worlds import (
    CUSTOMER,
    SUBSCRIPTION,
    adds_card,
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
from tests.handlers.worlds import World, registered
from topics.codes import Code
from topics.message import Role
from topics.payment_methods import (
    MethodState,
    PaymentMethodActionRequired,
    PaymentMethodVaulted,
    SetupIntentObserved,
    SetupStarted,
    StartPaymentMethodSetup,
)
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


def test_a_choice_comes_back_also_from_a_customer_that_had_a_default_of_its_own() -> None:
    world = linked()
    with_card(world, "pm_1")
    chosen = with_card(world, "pm_2", default=True)
    relinked(world)
    theirs = observed(reading(400), details=card("pm_9"), customer=OTHER)
    world.applied(theirs.model_copy(update={"default": True}))
    assert default(world) == method_id_of("pm_9")
    relinked(world, CUSTOMER, OTHER)
    for seconds, reference in ((500, "pm_1"), (501, "pm_2")):
        world.applied(observed(reading(seconds), details=card(reference)))
    assert default(world) == chosen
    relinked(world)
    world.applied(observed(reading(600), details=card("pm_9"), customer=OTHER))
    assert default(world) == method_id_of("pm_9")


def test_of_what_comes_back_and_was_never_chosen_stripe_s_default_is_charged() -> None:
    world = linked()
    older, newer = (card(name, created_at=at(made)) for name, made in (("pm_1", -90), ("pm_2", -60)))
    for one in (older, newer):
        world.applied(observed(event(1), details=one))
    relinked(world)
    relinked(world, CUSTOMER, OTHER)
    world.applied(observed(reading(500), details=newer).model_copy(update={"default": True}))
    world.applied(observed(reading(500), details=older))
    assert default(world) == method_id_of("pm_2")


def asked(world: World) -> str:
    """A page asks for a setup; its id."""
    (start,) = [one for one in world.applied(StartPaymentMethodSetup()).effects if one.kind == START_SETUP]
    return str(start.payload["setup_id"])


def made(setup_id: str, intent: str, customer: str | None) -> SetupStarted:
    """Stripe made the setup for a customer."""
    return SetupStarted(setup_intent=intent, deadline=at(7200), setup_id=setup_id, customer_id=customer)


def cancelled(decision: Applied) -> list[str]:
    """The setups that are cancelled at Stripe."""
    return [one.payload["setup_intent"] for one in decision.effects if one.payload.get("release")]


def link(there: str, before: str | None) -> LinkStripeCustomer:
    return LinkStripeCustomer(customer_id=there, expected_customer_id=before)


def test_no_page_can_bring_the_former_customer_a_method() -> None:
    world = linked()
    world.applied(made(asked(world), "seti_1", CUSTOMER))
    told = world.applied(link(OTHER, CUSTOMER), Role.SUPPORT)
    assert cancelled(told) == ["seti_1"]
    assert waiting(world.customer.setups) == []


def test_a_setup_that_is_made_during_a_relink_is_handed_over_if_it_is_the_new_customer_s() -> None:
    world = linked()
    first, second = asked(world), asked(world)
    world.applied(link(OTHER, CUSTOMER), Role.SUPPORT)
    failed = world.failed(made(first, "seti_1", CUSTOMER))
    assert failed.refused.code is Code.NO_VALID_PAYMENT_METHOD
    assert cancelled(failed.applied) == ["seti_1"]
    assert world.applied(made(second, "seti_2", OTHER)).result
    assert [one.setup_intent for one in waiting(world.customer.setups)] == ["seti_2"]


def test_a_setup_of_a_customer_that_lost_the_race_against_a_link_is_cancelled() -> None:
    world = registered()
    first, second = asked(world), asked(world)
    world.applied(made(first, "seti_1", "cus_made"))
    assert cancelled(world.applied(link(OTHER, None), Role.SUPPORT)) == ["seti_1"]
    assert cancelled(world.failed(made(second, "seti_2", "cus_made")).applied) == ["seti_2"]


def test_the_link_to_the_very_customer_that_was_made_leaves_its_setups_open() -> None:
    world = registered()
    world.applied(made(asked(world), "seti_1", CUSTOMER))
    assert cancelled(world.applied(link(CUSTOMER, None), Role.SERVICE)) == []
    assert len(waiting(world.customer.setups)) == 1


def test_what_waits_for_authentication_at_the_former_customer_is_cancelled() -> None:
    world = linked()
    waits = adds_card(world)
    world.applied(PaymentMethodActionRequired(method_id=waits, setup_intent="seti_1", deadline=at(3600)))
    assert cancelled(world.applied(link(OTHER, CUSTOMER), Role.SUPPORT)) == ["seti_1"]


def test_an_authentication_that_the_former_customer_is_asked_for_late_is_cancelled() -> None:
    world = linked()
    method_id = adds_card(world)
    relinked(world)
    late = PaymentMethodActionRequired(
        method_id=method_id, setup_intent="seti_1", deadline=at(3600), customer_id=CUSTOMER
    )
    failed = world.failed(late)
    assert failed.refused.code is Code.NO_VALID_PAYMENT_METHOD
    assert cancelled(failed.applied) == ["seti_1"]
    assert method(world, method_id).gone


def test_what_the_former_customer_is_told_to_keep_late_is_left_with_it_and_comes_back() -> None:
    world = linked()
    method_id = adds_card(world)
    relinked(world)
    late = PaymentMethodVaulted(method_id=method_id, details=card(), seen=reading(0), customer_id=CUSTOMER)
    assert world.failed(late).refused.code is Code.NO_VALID_PAYMENT_METHOD
    assert method(world, method_id).elsewhere
    assert READ_METHOD in relinked(world, CUSTOMER, OTHER)
    world.applied(observed(reading(500)))
    assert default(world) == method_id


def test_word_of_a_method_that_was_left_behind_is_not_word_of_its_removal() -> None:
    world = linked()
    method_id = adds_card(world)
    world.applied(observed(event(1)))
    relinked(world)
    late = PaymentMethodVaulted(method_id=method_id, details=card(), seen=reading(2), customer_id=CUSTOMER)
    assert world.failed(late).refused.code is Code.NO_VALID_PAYMENT_METHOD
    left = method(world, method_id)
    assert (left.elsewhere, left.released, left.details.last_four) == (True, True, "4242")


def test_what_a_customer_keeps_that_the_account_never_heard_of_is_looked_at_when_another_is_linked() -> None:
    world = registered()
    with_card(world)
    assert READ_METHOD in [one.kind for one in world.applied(link(OTHER, None), Role.SUPPORT).effects]


def test_the_subscriptions_of_the_new_customer_are_collected_as_the_account_pays() -> None:
    world = linked()
    with_paypal(world)
    assert ALIGN_STRIPE in relinked(world)
    alone = registered()
    with_paypal(alone)
    told = alone.applied(link(OTHER, None), Role.SUPPORT)
    assert [one.kind for one in told.effects] == [READ_CUSTOMER, ALIGN_STRIPE]


def test_all_that_the_new_customer_has_is_looked_at_before_anything_is_written_there() -> None:
    told = registered().applied(link(OTHER, None), Role.SUPPORT)
    assert [one.kind for one in told.effects] == [READ_CUSTOMER]
    assert relinked(paying()[0]) == [READ_CUSTOMER, ALIGN_STRIPE]


def test_a_look_at_a_setup_that_was_taken_before_the_link_brings_the_account_nothing() -> None:
    world = linked()
    waits = adds_card(world)
    world.applied(PaymentMethodActionRequired(method_id=waits, setup_intent="seti_1", deadline=at(3600)))
    world.applied(made(asked(world), "seti_2", CUSTOMER))
    relinked(world)
    for intent, reference in (("seti_1", "pm_1"), ("seti_2", "pm_2")):
        world.applied(
            SetupIntentObserved(
                setup_intent=intent, seen=reading(5), details=card(reference), customer_id=CUSTOMER
            )
        )
    assert [one.elsewhere for one in kept(world).methods.values()] == [True]
    relinked(world, CUSTOMER, OTHER)
    world.applied(observed(reading(500)))
    assert default(world) == waits
