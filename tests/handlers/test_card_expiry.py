"""Cards that end, and the gate that asks for one that does not."""

from datetime import UTC, datetime

import pytest

from handlers.card_expiry import valid_until
from handlers.payment_gate import gate
from tests.handlers.payment_worlds import card, default, event, kept, linked, observed, with_card
from tests.handlers.worlds import World
from topics.payment_methods import MethodState, PaymentMethodExpiring, ReviewCardExpiry


def with_card_until(year: int, month: int) -> World:
    world = linked()
    world.applied(observed(event(1), details=card(exp_year=year, exp_month=month)))
    return world


@pytest.mark.parametrize(
    ("year", "month", "until"),
    [(2026, 11, datetime(2026, 12, 1, tzinfo=UTC)), (2026, 12, datetime(2027, 1, 1, tzinfo=UTC))],
)
def test_a_card_is_good_to_the_end_of_its_month(year: int, month: int, until: datetime) -> None:
    assert valid_until(card(exp_year=year, exp_month=month)) == until


def test_a_card_that_ends_soon_is_warned_of_once() -> None:
    world = with_card_until(2026, 11)
    world.applied(ReviewCardExpiry())
    world.applied(ReviewCardExpiry())
    warnings = [one for one in world.events if isinstance(one, PaymentMethodExpiring)]
    assert [(one.exp_month, one.exp_year, one.default) for one in warnings] == [(11, 2026, True)]


def test_a_card_that_is_past_is_not_charged_and_another_takes_its_place() -> None:
    world = with_card_until(2026, 11)
    (first,) = kept(world).methods
    second = with_card(world, "pm_2")
    world.now = datetime(2026, 12, 1, tzinfo=UTC)
    world.applied(ReviewCardExpiry())
    assert kept(world).methods[first].state is MethodState.EXPIRED
    assert default(world) == second


def test_a_card_that_is_good_for_long_is_left_alone() -> None:
    assert with_card_until(2030, 1).applied(ReviewCardExpiry()).changes == {}


def test_the_gate_lets_through_who_can_be_charged() -> None:
    world = linked()
    method_id = with_card(world)
    assert gate(kept(world), world.now).method_id == method_id


def test_the_gate_names_what_is_wrong_and_a_way_out() -> None:
    none = gate(kept(linked()), datetime(2026, 11, 24, tzinfo=UTC))
    assert (none.passes, none.reason) == (False, "There is no payment method on file.")
    world = with_card_until(2026, 11)
    past = gate(kept(world), datetime(2026, 12, 2, tzinfo=UTC))
    assert (past.passes, past.reason) == (False, "The card has expired.")
    assert past.way_out is not None
    assert "client-secret" in past.way_out
