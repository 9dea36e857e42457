"""Setups that a page collects a method with: whose place they take, and whom they bring."""

from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest

from handlers.decision import Applied
from handlers.open_setups import waiting
from handlers.payment_effects import READ_SETUP, START_SETUP
from handlers.payment_method import ladder, method_id_of
from handlers.policy import Policy
from tests.handlers.payment_worlds import (
    CUSTOMER,
    adds_card,
    card,
    event,
    kept,
    linked,
    method,
    observed,
    reading,
    with_card,
)
from tests.handlers.worlds import World
from topics.accounts import AccountType, EraseAccount
from topics.codes import Code
from topics.message import Role
from topics.payment_methods import (
    AddPaymentMethod,
    MethodKind,
    MethodState,
    PaymentMethodActionRequired,
    PaymentMethodsReleased,
    PaymentMethodVaulted,
    RemovePaymentMethod,
    SetupIntentObserved,
    SetupRefused,
    SetupStarted,
    StartPaymentMethodSetup,
)

KEPT = method_id_of("pm_2")


def asked(world: World) -> str:
    """A page asks for a client secret; the id of the setup that is to be made."""
    (start,) = [one for one in world.applied(StartPaymentMethodSetup()).effects if one.kind == START_SETUP]
    return str(start.payload["setup_id"])


def started(setup_id: str, intent: str, world: World) -> SetupStarted:
    """Stripe made it."""
    deadline = world.now + timedelta(hours=1)
    return SetupStarted(setup_intent=intent, deadline=deadline, setup_id=setup_id, customer_id=CUSTOMER)


def brings(intent: str, reference: str, seconds: float = 6) -> SetupIntentObserved:
    """A look at a setup shows that a page completed it."""
    return SetupIntentObserved(setup_intent=intent, seen=reading(seconds), details=card(reference))


def cancelled(decision: Applied) -> list[str]:
    """The setups that are cancelled at Stripe."""
    return [one.payload["setup_intent"] for one in decision.effects if one.payload.get("release")]


def usable(world: World) -> list[str]:
    """What Stripe calls the methods that can be charged."""
    return [one.details.reference for one in ladder(kept(world))]


def opened(world: World, intent: str) -> list[str]:
    """A page has a client secret; the setups that were cancelled for it."""
    before = world.decide(StartPaymentMethodSetup())
    assert isinstance(before, Applied)
    world.applied(started(asked(world), intent, world))
    return [one.payload["setup_intent"] for one in before.effects if one.kind == READ_SETUP]


def by(intent: str, **fields: Any) -> AddPaymentMethod:
    return AddPaymentMethod(method_kind=MethodKind.CREDIT_CARD, setup_intent=intent, **fields)


def test_a_setup_gives_its_place_to_the_next_so_that_no_more_can_be_kept_than_may() -> None:
    world = linked()
    with_card(world)
    assert opened(world, "seti_1") == []
    assert opened(world, "seti_2") == ["seti_1"]
    assert opened(world, "seti_3") == ["seti_2"]
    assert [one.setup_intent for one in waiting(world.customer.setups)] == ["seti_3"]


def test_of_setups_that_are_asked_for_at_once_only_as_many_are_handed_over_as_there_are_places() -> None:
    world = linked()
    with_card(world)
    first, second = asked(world), asked(world)
    world.applied(started(second, "seti_2", world))
    late = world.failed(started(first, "seti_1", world))
    assert late.refused.code is Code.PAYMENT_METHOD_LIMIT
    assert [one.payload["setup_intent"] for one in late.applied.effects] == ["seti_1"]


def test_a_page_that_offers_cards_does_not_keep_its_customer_from_paypal() -> None:
    world = linked()
    with_card(world)
    opened(world, "seti_1")
    added = world.applied(AddPaymentMethod(method_kind=MethodKind.PAYPAL))
    assert added.effects[0].payload == {"setup_intent": "seti_1", "release": True}
    assert world.code(StartPaymentMethodSetup()) is Code.PAYMENT_METHOD_LIMIT


def test_a_setup_that_is_over_holds_no_place() -> None:
    world = linked()
    with_card(world)
    world.failed(SetupRefused(reason="No.", setup_id=asked(world)))
    opened(world, "seti_1")
    world.applied(SetupIntentObserved(setup_intent="seti_1", seen=event(5), closed=True))
    assert waiting(world.customer.setups) == []


def test_what_a_page_s_setup_brought_is_named_by_it_and_needs_no_further_place() -> None:
    world = linked()
    with_card(world)
    opened(world, "seti_1")
    world.applied(observed(event(5), details=card("pm_2")))
    told = world.applied(SetupIntentObserved(setup_intent="seti_1", seen=event(5, "e2")))
    assert [one.kind for one in told.effects] == [READ_SETUP]
    world.applied(SetupIntentObserved(setup_intent="seti_1", seen=reading(6), details=card("pm_2")))
    again = world.applied(by("seti_1", nick_name="Team card", country="GB"))
    assert again.result is not None
    assert (again.result["id"], again.result["nick_name"], again.result["country"]) == (
        KEPT,
        "Team card",
        "GB",
    )


def test_a_page_s_setup_may_be_named_before_anybody_heard_what_it_brought() -> None:
    world = linked()
    with_card(world)
    opened(world, "seti_1")
    world.applied(observed(event(5), details=card("pm_2")))
    added = world.applied(by("seti_1", nick_name="Team card"))
    assert added.result is not None
    world.applied(PaymentMethodVaulted(method_id=added.result["id"], details=card("pm_2"), seen=reading(6)))
    assert method(world, KEPT).billing == {"nick_name": "Team card"}
    assert len([one for one in kept(world).methods.values() if not one.gone]) == 2


def test_a_card_that_was_told_of_first_takes_over_name_and_address() -> None:
    world = linked()
    method_id = adds_card(world, "pm_card_visa", nick_name="Team card", default=True)
    world.applied(observed(event(5), details=card("pm_2")))
    kept_as = world.applied(PaymentMethodVaulted(method_id=method_id, details=card("pm_2"), seen=reading(6)))
    assert kept_as.result is not None
    assert (kept_as.result["id"], kept_as.result["nick_name"]) == (KEPT, "Team card")


def authenticating(world: World, intent: str) -> str:
    """A page names a setup that waits for its customer's bank; the id of the method."""
    opened(world, intent)
    named = world.applied(AddPaymentMethod(method_kind=MethodKind.CREDIT_CARD, setup_intent=intent))
    assert named.result is not None
    method_id = str(named.result["id"])
    deadline = world.now + timedelta(hours=1)
    world.applied(PaymentMethodActionRequired(method_id=method_id, setup_intent=intent, deadline=deadline))
    return method_id


def test_a_setup_that_was_named_and_its_method_have_one_place_between_them() -> None:
    world = linked()
    method_id = authenticating(world, "seti_1")
    second = world.applied(AddPaymentMethod(method_kind=MethodKind.CREDIT_CARD, payment_method="pm_2"))
    assert cancelled(second) == []
    assert world.code(StartPaymentMethodSetup()) is Code.PAYMENT_METHOD_LIMIT
    world.applied(brings("seti_1", "pm_1"))
    assert method(world, method_id).state is MethodState.ACTIVE


def test_beside_a_setup_that_was_named_a_page_may_ask_for_another_which_gives_its_place_first() -> None:
    world = linked()
    method_id = authenticating(world, "seti_1")
    assert opened(world, "seti_2") == []
    added = world.applied(AddPaymentMethod(method_kind=MethodKind.PAYPAL))
    assert cancelled(added) == ["seti_2"]
    assert method(world, method_id).state is MethodState.PENDING_SETUP


def test_a_setup_that_was_removed_brings_nothing_back() -> None:
    world = linked()
    added = world.applied(by("seti_9"))
    assert added.result is not None
    world.applied(RemovePaymentMethod(method_id=added.result["id"]))
    world.applied(SetupIntentObserved(setup_intent="seti_9", seen=reading(6), details=card("pm_2")))
    late = method(world, KEPT)
    assert (late.state, late.details.last_four, late.released) == (MethodState.DETACHED, None, False)


def test_an_erasure_cancels_open_setups_and_knows_nothing_of_what_comes_late() -> None:
    world = linked()
    opened(world, "seti_1")
    erased = world.applied(EraseAccount(reason="asked"), Role.SUPPORT)
    assert {"setup_intent": "seti_1", "release": True} in [one.payload for one in erased.effects]
    world.applied(observed(event(5), details=card("pm_2")))
    late = method(world, KEPT)
    assert (late.state, late.details.last_four, late.released) == (MethodState.DETACHED, None, False)


def test_how_many_methods_are_kept_is_set_by_the_business() -> None:
    world = linked()
    world.policy = Policy(methods=1)
    with_card(world)
    refused = world.refused(StartPaymentMethodSetup())
    assert "keeps 1 payment method," in refused.message
    generous = linked(AccountType.ENTERPRISE)
    generous.policy = Policy(methods=1, methods_of={AccountType.ENTERPRISE: 2})
    with_card(generous)
    assert generous.code(StartPaymentMethodSetup()) is None


def test_what_one_setup_brings_takes_the_place_of_another_that_was_opened_meanwhile() -> None:
    world = linked()
    with_card(world)
    opened(world, "seti_1")
    assert opened(world, "seti_2") == ["seti_1"]
    told = world.applied(brings("seti_1", "pm_2"))
    assert cancelled(told) == ["seti_2"]
    assert usable(world) == ["pm_1", "pm_2"]


@pytest.mark.parametrize("order", list(permutations(range(4))))
def test_no_order_of_late_word_leaves_more_methods_than_are_kept(order: tuple[int, ...]) -> None:
    world = linked()
    with_card(world)
    opened(world, "seti_1")
    opened(world, "seti_2")
    told = (
        brings("seti_1", "pm_2"),
        brings("seti_2", "pm_3"),
        observed(event(5), details=card("pm_2")),
        observed(event(5, "e2"), details=card("pm_3")),
    )
    for n in (*order, *order):
        world.applied(told[n])
    assert len(usable(world)) == 2
    (gone,) = [one for one in kept(world).methods.values() if one.gone]
    assert (gone.released, gone.details.last_four) == (False, None)


def test_a_setup_that_gave_its_place_away_is_kept_when_there_is_one_after_all() -> None:
    world = linked()
    with_card(world)
    opened(world, "seti_1")
    added = world.applied(AddPaymentMethod(method_kind=MethodKind.PAYPAL))
    assert cancelled(added) == ["seti_1"]
    assert added.result is not None
    world.applied(RemovePaymentMethod(method_id=added.result["id"]))
    world.applied(brings("seti_1", "pm_2"))
    assert usable(world) == ["pm_1", "pm_2"]


def test_a_setup_of_which_nobody_knows_the_end_holds_its_place_past_its_deadline() -> None:
    world = linked()
    with_card(world)
    opened(world, "seti_1")
    world.now += timedelta(hours=3)
    assert opened(world, "seti_2") == ["seti_1"]


@pytest.mark.parametrize("first", ["attachment", "setup"])
def test_a_removed_setup_brings_nothing_back_whichever_is_told_first(first: str) -> None:
    world = linked()
    added = world.applied(by("seti_9"))
    assert added.result is not None
    world.applied(RemovePaymentMethod(method_id=added.result["id"]))
    told = [observed(event(5), details=card("pm_2")), brings("seti_9", "pm_2")]
    for fact in told if first == "attachment" else told[::-1]:
        world.applied(fact)
    late = method(world, KEPT)
    assert (late.state, late.details.last_four, late.released) == (MethodState.DETACHED, None, False)


def test_a_removed_setup_that_is_named_anew_is_kept_whatever_is_read_again() -> None:
    world = linked()
    removed = world.applied(by("seti_9")).result
    assert removed is not None
    world.applied(RemovePaymentMethod(method_id=removed["id"]))
    world.applied(PaymentMethodsReleased(method_ids=(removed["id"],)))
    added = world.applied(by("seti_9")).result
    assert added is not None
    world.applied(observed(event(5), details=card("pm_2")))
    world.applied(PaymentMethodVaulted(method_id=added["id"], details=card("pm_2"), seen=reading(6)))
    world.applied(brings("seti_9", "pm_2", 7))
    assert usable(world) == ["pm_2"]


@pytest.mark.parametrize("first", ["attachment", "setup"])
def test_a_page_that_is_completed_after_the_erasure_of_its_account_brings_nothing(first: str) -> None:
    world = linked()
    opened(world, "seti_1")
    world.applied(EraseAccount(reason="asked"), Role.SUPPORT)
    late = card("pm_2", created_at=world.now + timedelta(seconds=1))
    told = [
        observed(event(5), details=late),
        SetupIntentObserved(setup_intent="seti_1", seen=reading(6), details=late),
    ]
    for fact in told if first == "attachment" else told[::-1]:
        world.applied(fact)
    assert usable(world) == []
    assert method(world, KEPT).details.last_four is None


def test_a_page_that_is_opened_after_an_erasure_brings_its_method() -> None:
    world = linked()
    world.applied(EraseAccount(reason="asked"), Role.SUPPORT)
    opened(world, "seti_1")
    fresh = card("pm_2", created_at=world.now + timedelta(seconds=1))
    world.applied(SetupIntentObserved(setup_intent="seti_1", seen=reading(6), details=fresh))
    assert usable(world) == ["pm_2"]
