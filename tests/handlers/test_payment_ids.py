"""The id of a method that somebody was answered with stays its id, whatever was told of first."""

from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest

from handlers.payment_method import method_id_of
from tests.handlers.payment_worlds import (
    adds_card,
    card,
    default,
    event,
    kept,
    linked,
    method,
    observed,
    with_card,
)
from tests.handlers.test_payment_setups import authenticating, brings, by, opened
from tests.handlers.worlds import World
from topics.payment_methods import (
    EditPaymentMethod,
    MethodState,
    PaymentMethodActionRequired,
    PaymentMethodChanged,
    PaymentMethodsReleased,
    RemovePaymentMethod,
    SetupIntentObserved,
)

SETUP, BROUGHT = "seti_1", "pm_9"


def listed(world: World) -> dict[str, MethodState]:
    """What the list shows: ids and states."""
    return {one.id: one.state for one in kept(world).methods.values() if not one.gone}


def tells(world: World, **fields: Any) -> list[Any]:
    """All that is told of a setup that was completed, a reading of it among it."""
    details = card(BROUGHT, created_at=world.now, **fields)
    return [
        observed(event(60, "e1"), details=details),
        observed(event(61, "e2"), details=details),
        SetupIntentObserved(setup_intent=SETUP, seen=event(60, "e3")),
        brings(SETUP, BROUGHT, 70).model_copy(update={"details": details}),
    ]


@pytest.mark.parametrize("order", list(permutations(range(4))))
def test_whoever_authenticates_keeps_the_id_that_was_given(order: tuple[int, ...]) -> None:
    world = linked()
    other = with_card(world, "pm_8")
    method_id = authenticating(world, SETUP)
    facts = tells(world)
    for place in (*order, *order):
        world.applied(facts[place])
    assert listed(world) == {other: MethodState.ACTIVE, method_id: MethodState.ACTIVE}
    assert method(world, method_id).details.reference == BROUGHT
    last = {one.method_id: one for one in world.events if isinstance(one, PaymentMethodChanged)}
    assert last[method_id].state is MethodState.ACTIVE, "nobody is told of its end"


def test_what_was_chosen_and_said_of_it_meanwhile_stays() -> None:
    world = linked()
    method_id = authenticating(world, SETUP)
    attached, _, _, read = tells(world)
    world.applied(attached)
    (shown,) = [one for one in listed(world) if one != method_id]
    world.applied(EditPaymentMethod(method_id=shown, default=True, nick_name="Team card"))
    world.applied(read)
    assert default(world) == method_id
    assert method(world, method_id).billing == {"nick_name": "Team card"}
    gone = method(world, shown)
    assert (gone.state, gone.released) == (MethodState.DETACHED, True)


def test_a_second_attempt_with_another_card_keeps_the_id_as_well_and_is_let_go_as_one() -> None:
    world = linked()
    method_id = adds_card(world, "pm_1")
    deadline = world.now + timedelta(hours=1)
    world.applied(PaymentMethodActionRequired(method_id=method_id, setup_intent=SETUP, deadline=deadline))
    attached, _, _, read = tells(world)
    world.applied(attached)
    world.applied(read)
    assert listed(world) == {method_id: MethodState.ACTIVE}
    world.applied(RemovePaymentMethod(method_id=method_id))
    world.applied(PaymentMethodsReleased(method_ids=(method_id,)))
    world.applied(observed(event(90, "e9"), details=card(BROUGHT), customer=None))
    assert listed(world) == {}


def test_a_card_that_was_on_the_list_long_before_keeps_its_own() -> None:
    world = linked()
    old = card(BROUGHT, created_at=world.now - timedelta(days=30))
    world.applied(observed(event(5), details=old))
    method_id = authenticating(world, SETUP)
    world.applied(brings(SETUP, BROUGHT, 70).model_copy(update={"details": old}))
    assert listed(world) == {method_id_of(BROUGHT): MethodState.ACTIVE}
    assert method(world, method_id).gone


def test_a_late_answer_names_the_row_that_stands_for_the_method() -> None:
    world = linked()
    opened(world, SETUP)
    added = world.applied(by(SETUP))
    assert added.result is not None
    attached, _, _, read = tells(world)
    world.applied(attached)
    world.applied(read)
    late = world.applied(
        PaymentMethodActionRequired(
            method_id=added.result["id"], setup_intent=SETUP, deadline=world.now + timedelta(hours=1)
        )
    )
    assert late.result is not None
    assert listed(world) == {late.result["id"]: MethodState.ACTIVE}
