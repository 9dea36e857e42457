"""What keeps a method from being removed, and what would free it."""

from datetime import timedelta

import pytest

from handlers.payment_effects import ALIGN_STRIPE
from tests.handlers.payment_worlds import (
    adds_card,
    at,
    card,
    event,
    item,
    kept,
    linked,
    observed,
    reading,
    subscription,
    with_card,
)
from topics.accounts import SetFlag
from topics.codes import Code
from topics.message import Role
from topics.payment_methods import EditPaymentMethod, MethodState, PaymentMethodVaulted, RemovePaymentMethod
from topics.subscriptions import SubscriptionStatus


def test_the_last_method_of_a_paid_subscription_stays() -> None:
    world = linked()
    first = with_card(world)
    world.applied(subscription(event(1)))
    refused = world.refused(RemovePaymentMethod(method_id=first))
    assert refused.code is Code.PAYMENT_METHOD_IN_USE
    assert "sub_1" in refused.message
    with_card(world, "pm_2")
    assert world.code(RemovePaymentMethod(method_id=first)) is None


def test_an_expired_card_stays_as_long_as_something_needs_it() -> None:
    world = linked()
    world.applied(observed(event(1), details=card(exp_year=2020)))
    world.applied(subscription(event(2)))
    (expired,) = kept(world).methods.values()
    assert expired.state is MethodState.EXPIRED
    refused = world.refused(RemovePaymentMethod(method_id=expired.id))
    assert refused.code is Code.PAYMENT_METHOD_IN_USE
    assert "add this card again with its new date" in refused.message
    with_card(world, "pm_2")
    assert world.code(RemovePaymentMethod(method_id=expired.id)) is None


def test_a_method_that_a_subscription_is_pinned_to_may_go_as_the_subscription_follows_the_default() -> None:
    world = linked()
    first = with_card(world)
    second = with_card(world, "pm_2")
    world.applied(subscription(event(1), default_payment_method="pm_2"))
    removed = world.applied(RemovePaymentMethod(method_id=second))
    assert [effect.kind for effect in removed.effects] == [ALIGN_STRIPE]
    assert world.code(RemovePaymentMethod(method_id=first)) is Code.PAYMENT_METHOD_IN_USE


def test_another_card_whose_month_is_over_is_no_reason_to_let_the_only_good_one_go() -> None:
    world = linked()
    first, second = with_card(world), adds_card(world, "pm_2")
    past = card("pm_2", exp_year=2020)
    world.applied(PaymentMethodVaulted(method_id=second, details=past, seen=reading(0)))
    world.applied(subscription(event(1)))
    assert world.code(RemovePaymentMethod(method_id=first)) is Code.PAYMENT_METHOD_IN_USE


@pytest.mark.parametrize(
    ("fields", "freed"),
    [
        (
            {"items": (item(metered=True, unit_amount=None),)},
            "Cancel what is charged by usage first (sub_1): the method is free 30 days after it has ended.",
        ),
        (
            {"status": SubscriptionStatus.INCOMPLETE},
            "Complete that payment or cancel the subscription first; left alone it ends by itself within a day.",
        ),
        ({"status": SubscriptionStatus.PAST_DUE}, "Pay it first"),
        ({"items": (item(registrar=True, period_end=at(3600)),)}, "Remove the method after that."),
    ],
)
def test_every_refusal_says_what_frees_the_method(fields: dict[str, object], freed: str) -> None:
    world = linked()
    first = with_card(world)
    with_card(world, "pm_2")
    world.applied(subscription(event(1), **fields))
    refused = world.refused(RemovePaymentMethod(method_id=first))
    assert refused.code is Code.TRANSACTIONS_IN_PROGRESS
    assert freed in refused.message


def test_a_first_payment_that_was_made_keeps_no_method_any_more() -> None:
    world = linked()
    first = with_card(world)
    with_card(world, "pm_2")
    world.applied(subscription(event(1), status=SubscriptionStatus.INCOMPLETE))
    world.applied(subscription(event(2)))
    assert world.code(RemovePaymentMethod(method_id=first)) is None


@pytest.mark.parametrize(
    "fields",
    [
        {"status": SubscriptionStatus.PAST_DUE},
        {"status": SubscriptionStatus.UNPAID},
        {"status": SubscriptionStatus.INCOMPLETE},
        {"items": (item(metered=True, unit_amount=None),)},
        {
            "items": (item(metered=True, unit_amount=None),),
            "status": SubscriptionStatus.CANCELED,
            "ended_at": at(-29 * 86400),
        },
        {"items": (item(registrar=True, period_end=at(23 * 3600)),)},
    ],
)
def test_transactions_in_progress_keep_a_method(fields: dict[str, object]) -> None:
    world = linked()
    first = with_card(world)
    with_card(world, "pm_2")
    world.applied(subscription(event(1), **fields))
    assert world.code(RemovePaymentMethod(method_id=first)) is Code.TRANSACTIONS_IN_PROGRESS


def test_a_balance_keeps_every_method_but_those_that_are_being_set_up() -> None:
    world = linked()
    first, second = with_card(world), adds_card(world, "pm_2")
    world.applied(SetFlag(flag="bad_debt"), Role.SERVICE)
    assert world.code(RemovePaymentMethod(method_id=first)) is Code.TRANSACTIONS_IN_PROGRESS
    assert world.code(RemovePaymentMethod(method_id=second)) is None
    assert world.code(EditPaymentMethod(method_id=first, nick_name="still mine")) is None


METERED = item(id="si_2", metered=True, unit_amount=None)


@pytest.mark.parametrize("late", [False, True])
def test_usage_of_a_metered_item_that_was_taken_away_keeps_a_method_for_30_days(late: bool) -> None:
    world = linked()
    first = with_card(world)
    with_card(world, "pm_2")
    told = [subscription(event(1), items=(item(), METERED)), subscription(event(5))]
    for fact in reversed(told) if late else told:
        world.applied(fact)
    world.applied(subscription(event(9)))
    refused = world.refused(RemovePaymentMethod(method_id=first))
    assert refused.code is Code.TRANSACTIONS_IN_PROGRESS
    assert "free after 2026-12-23" in refused.message
    world.now += timedelta(days=31)
    assert world.code(RemovePaymentMethod(method_id=first)) is None


@pytest.mark.parametrize(
    "fields",
    [
        {"status": SubscriptionStatus.CANCELED, "ended_at": at(-31 * 86400), "items": (item(metered=True),)},
        {"items": (item(unit_amount=0),)},
        {"items": (item(unit_amount=0, registrar=True, period_end=at(90_000)),)},
    ],
)
def test_what_costs_nothing_or_is_long_over_keeps_no_method(fields: dict[str, object]) -> None:
    world = linked()
    first = with_card(world)
    world.applied(subscription(event(1), **fields))
    assert world.code(RemovePaymentMethod(method_id=first)) is None
