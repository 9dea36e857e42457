"""Whether subscriptions may change, and what is said where nothing can be charged."""

from handlers.payment_gate import NONE, WAY_OUT, gate
from tests.handlers.payment_worlds import (
    adds_card,
    card,
    event,
    kept,
    linked,
    observed,
    with_card,
    with_paypal,
)
from topics.payment_methods import BraintreeMethodObserved


def test_what_would_be_charged_passes() -> None:
    world = linked()
    card_id = with_card(world)
    assert gate(kept(world), world.now).method_id == card_id


def test_nothing_on_file_does_not_pass_and_the_way_out_is_told() -> None:
    world = linked()
    verdict = gate(kept(world), world.now)
    assert (verdict.passes, verdict.reason, verdict.way_out) == (False, NONE, WAY_OUT)


def test_a_revoked_agreement_is_remembered_where_people_look() -> None:
    world = linked()
    paypal = with_paypal(world)
    world.applied(BraintreeMethodObserved(reference=paypal, seen=event(9), revoked=True))
    reason = gate(kept(world), world.now).reason
    assert reason is not None
    assert "revoked at PayPal. Connect PayPal again" in reason


def test_an_expired_card_and_one_that_is_being_set_up_say_so() -> None:
    world = linked()
    world.applied(observed(event(1), details=card(exp_year=2020)))
    assert gate(kept(world), world.now).reason == "The card has expired."
    waiting = linked()
    adds_card(waiting)
    assert "not set up yet" in str(gate(kept(waiting), waiting.now).reason)
