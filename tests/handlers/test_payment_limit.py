"""Cards that expired take no place of the limit: whoever has only such cards can add one, then remove them."""

import pytest

from handlers.payment_method import ladder, method_id_of
from tests.handlers.payment_worlds import (
    adds_card,
    card,
    event,
    kept,
    linked,
    method,
    observed,
    reading,
    subscription,
    with_card,
    with_paypal,
)
from tests.handlers.test_payment_setups import brings, cancelled, opened
from tests.handlers.worlds import World
from topics.codes import Code
from topics.payment_methods import (
    AddPaymentMethod,
    MethodKind,
    MethodState,
    PaymentMethodVaulted,
    RemovePaymentMethod,
    StartPaymentMethodSetup,
)


def expired(*references: str) -> World:
    """An account that pays for a subscription and whose cards all have expired."""
    world = linked()
    for seconds, reference in enumerate(references, 1):
        world.applied(observed(event(seconds), details=card(reference, exp_year=2020)))
    world.applied(subscription(event(9)))
    assert {one.state for one in kept(world).methods.values()} == {MethodState.EXPIRED}
    return world


@pytest.mark.parametrize("way", ["card", "page", "paypal"])
def test_whoever_has_as_many_expired_cards_as_methods_may_be_kept_adds_another_and_removes_them(
    way: str,
) -> None:
    world = expired("pm_1", "pm_2")
    old = [method_id_of("pm_1"), method_id_of("pm_2")]
    assert [world.code(RemovePaymentMethod(method_id=one)) for one in old] == [Code.PAYMENT_METHOD_IN_USE] * 2
    if way == "card":
        with_card(world, "pm_3")
    elif way == "paypal":
        with_paypal(world)
    else:
        opened(world, "seti_1")
        world.applied(brings("seti_1", "pm_3"))
    for one in old:
        world.applied(RemovePaymentMethod(method_id=one))
    assert len(ladder(kept(world))) == 1


def test_beside_expired_cards_as_many_are_kept_as_may_be_and_no_more() -> None:
    world = expired("pm_1", "pm_2")
    with_card(world, "pm_3")
    adds_card(world, "pm_4")
    refused = world.refused(StartPaymentMethodSetup())
    assert refused.code is Code.PAYMENT_METHOD_LIMIT
    assert "keeps 2 payment methods" in refused.message
    assert "Expired cards do not count, so remove another one." in refused.message
    assert world.code(AddPaymentMethod(method_kind=MethodKind.PAYPAL)) is Code.PAYMENT_METHOD_LIMIT


def test_the_refusal_says_nothing_of_expired_cards_where_there_are_none() -> None:
    world = linked()
    with_card(world)
    with_card(world, "pm_2")
    assert "xpired" not in world.refused(StartPaymentMethodSetup()).message


def test_a_card_whose_month_is_over_takes_no_place_before_anybody_has_reviewed_it() -> None:
    world = linked()
    for reference in ("pm_1", "pm_2"):
        method_id = adds_card(world, reference)
        told = card(reference, exp_year=2020)
        world.applied(PaymentMethodVaulted(method_id=method_id, details=told, seen=reading(0)))
        assert method(world, method_id).state is MethodState.ACTIVE
    assert world.code(StartPaymentMethodSetup()) is None


def test_an_expired_card_takes_no_setup_its_place() -> None:
    world = expired("pm_1")
    with_card(world, "pm_2")
    assert opened(world, "seti_1") == []
    assert opened(world, "seti_2") == ["seti_1"]


def test_what_a_cancelled_setup_brings_beside_an_expired_card_is_kept() -> None:
    world = expired("pm_1")
    with_card(world, "pm_2")
    opened(world, "seti_1")
    opened(world, "seti_2")
    assert cancelled(world.applied(brings("seti_1", "pm_3"))) == ["seti_2"]
    assert method(world, method_id_of("pm_3")).state is MethodState.ACTIVE
