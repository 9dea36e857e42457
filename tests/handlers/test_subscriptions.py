"""The mirror of subscriptions, and the method by which they are collected."""

import pytest

from handlers.collection_method import derived
from handlers.payment_effects import ALIGN_STRIPE, READ_SUBSCRIPTION
from tests.handlers.payment_worlds import (
    SUBSCRIPTION,
    event,
    kept,
    linked,
    mirrored,
    reading,
    subscription,
    with_card,
    with_paypal,
)
from topics.payment_methods import CollectionMethod, PaymentsDrifted
from topics.subscriptions import SubscriptionGone, SubscriptionStatus

AUTOMATIC, SENT = CollectionMethod.CHARGE_AUTOMATICALLY, CollectionMethod.SEND_INVOICE


def test_a_subscription_is_mirrored_and_told() -> None:
    world = linked()
    world.applied(subscription(event(1)))
    found = mirrored(world).subscriptions[SUBSCRIPTION]
    assert (found.status, found.live, found.paid, found.version) == (SubscriptionStatus.ACTIVE, True, True, 1)
    assert world.events[-1].type == "billing.subscriptions.changed.v1"


def test_a_subscription_of_another_customer_is_not_mirrored() -> None:
    assert linked().applied(subscription(event(1), customer_id="cus_B")).changes == {}


def test_an_older_event_changes_nothing() -> None:
    world = linked()
    world.applied(subscription(event(5), status=SubscriptionStatus.PAST_DUE))
    assert world.applied(subscription(event(1))).changes == {}


def test_what_collects_otherwise_than_it_shall_is_brought_in_line() -> None:
    world = linked()
    drifted = world.applied(subscription(event(1), collection_method=SENT))
    assert [effect.kind for effect in drifted.effects] == [ALIGN_STRIPE]
    assert any(isinstance(one, PaymentsDrifted) for one in world.events)
    fine = world.applied(subscription(event(2)))
    assert fine.effects == ()


@pytest.mark.parametrize(("days", "owed"), [(7, []), (30, [ALIGN_STRIPE]), (None, [ALIGN_STRIPE])])
def test_invoices_that_are_due_later_than_they_shall_are_brought_in_line_too(
    days: int | None, owed: list[str]
) -> None:
    world = linked()
    with_paypal(world)
    told = world.applied(subscription(event(1), collection_method=SENT, days_until_due=days))
    assert [effect.kind for effect in told.effects] == owed


def test_one_with_a_payment_method_of_its_own_is_made_to_follow_the_default() -> None:
    world = linked()
    with_card(world)
    pinned = world.applied(subscription(event(1), default_payment_method="pm_2"))
    assert [effect.kind for effect in pinned.effects] == [ALIGN_STRIPE]
    (drifted,) = [one for one in world.events if isinstance(one, PaymentsDrifted)]
    assert drifted.what.endswith(
        "collects by charge_automatically, charged to pm_2 instead of charge_automatically"
    )


@pytest.mark.parametrize("paypal", [False, True])
def test_one_with_a_payment_method_of_its_own_keeps_it_while_stripe_has_nothing_else_to_charge(
    paypal: bool,
) -> None:
    world = linked()
    if paypal:
        with_paypal(world)
    collected = {"collection_method": SENT, "days_until_due": 7} if paypal else {}
    told = world.applied(subscription(event(1), default_payment_method="pm_2", **collected))
    assert told.effects == ()


def test_one_that_is_over_may_collect_as_it_likes() -> None:
    over = subscription(event(1), status=SubscriptionStatus.CANCELED, collection_method=SENT)
    assert linked().applied(over).effects == ()


def test_events_of_one_second_that_differ_have_the_subscription_read() -> None:
    world = linked()
    world.applied(subscription(event(1, "e1")))
    told = world.applied(subscription(event(1, "e2"), cancel_at_period_end=True))
    assert [effect.kind for effect in told.effects] == [READ_SUBSCRIPTION]


def test_one_that_stripe_does_not_know_is_over() -> None:
    world = linked()
    world.applied(subscription(event(1)))
    world.applied(SubscriptionGone(subscription=SUBSCRIPTION, seen=reading(9)))
    assert not mirrored(world).subscriptions[SUBSCRIPTION].live
    assert world.applied(subscription(event(20))).changes == {}


@pytest.mark.parametrize(
    ("cards", "paypals", "value"), [(0, 0, AUTOMATIC), (1, 0, AUTOMATIC), (0, 1, SENT), (1, 1, SENT)]
)
def test_the_collection_method_follows_from_the_methods(
    cards: int, paypals: int, value: CollectionMethod
) -> None:
    world = linked()
    for _ in range(cards):
        with_card(world)
    for _ in range(paypals):
        with_paypal(world)
    found = derived(kept(world))
    assert found.value is value
    assert "PayPal" in found.reason
