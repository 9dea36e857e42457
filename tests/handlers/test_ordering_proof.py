"""The proof of order: however the events of an object arrive, repeated and lost, the same rows come of them.

The truth is what the processor shows in the end. A doubt asks for a reading, which shows the truth; lost events
are made good by a sweep, which is a reading too.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from itertools import permutations
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.decision import Applied
from tests.handlers.payment_worlds import (
    CUSTOMER,
    adds_card,
    agreement,
    at,
    card,
    event,
    kept,
    linked,
    mirrored,
    observed,
    reading,
    subscription,
    with_paypal,
)
from tests.handlers.worlds import COMMAND_ID, World
from topics.message import Fact
from topics.observation import Observation
from topics.payment_methods import (
    AddPaymentMethod,
    BraintreeMethodObserved,
    CollectionMethod,
    MethodKind,
    MethodState,
    PaymentMethodActionRequired,
    PaymentMethodVaulted,
    SetupIntentObserved,
    StripeCustomerObserved,
)
from topics.subscriptions import SubscriptionStatus
from topics.value import value

READ_AT = 100.0
A, B, C = card(created_at=event(0).at), card(created_at=event(0).at, exp_year=2031), None
C = card(created_at=event(0).at, exp_year=2032, brand="visa")


def active(seconds: float, name: str, **fields: Any) -> Fact:
    return subscription(event(seconds, name), **fields)


METHOD: dict[str, Sequence[Fact]] = {
    "attached, then updated": (observed(event(1, "e1"), details=A), observed(event(2, "e2"), details=B)),
    "two updates in one second": (
        observed(event(1, "e1"), details=A),
        observed(event(5, "e3"), details=B),
        observed(event(5, "e2"), details=C),
    ),
    "updates one second after the other": tuple(
        observed(event(second, f"e{second}"), details=details)
        for second, details in enumerate((A, B, C, A, B))
    ),
    "a detach and an update in one second": (
        observed(event(1, "e1"), details=A),
        observed(event(7, "e2"), details=B),
        observed(event(7, "e0"), details=B, customer=None),
    ),
    "a late update after the detach": (
        observed(event(1, "e1"), details=A),
        observed(event(2, "e2"), details=A, customer=None),
        observed(event(3, "e3"), details=A, customer=None),
    ),
    "set up, then attached, updated and detached": (
        SetupIntentObserved(setup_intent="seti_1", seen=event(1, "e1"), details=A),
        observed(event(1, "e2"), details=A),
        observed(event(2, "e3"), details=C),
        observed(event(3, "e4"), details=C, customer=None),
    ),
}
S = SubscriptionStatus
SEND = CollectionMethod.SEND_INVOICE
SUBSCRIPTION: dict[str, Sequence[Fact]] = {
    "made, paid, past due, paid": (
        active(1, "e1", status=S.INCOMPLETE),
        active(2, "e2"),
        active(3, "e3", status=S.PAST_DUE),
        active(4, "e4"),
    ),
    "two updates in one second": (
        active(1, "e1", status=S.INCOMPLETE),
        active(1, "e2"),
        active(1, "e0", cancel_at_period_end=True),
    ),
    "made and paid in one second, flipped in the next, back in the same": (
        active(1, "e9", status=S.INCOMPLETE),
        active(1, "e1"),
        active(2, "e5", collection_method=SEND),
        active(2, "e4"),
    ),
    "ended and updated in one second": (
        active(1, "e1"),
        active(9, "e3", cancel_at_period_end=True),
        active(9, "e2", status=S.CANCELED, ended_at=event(9).at),
    ),
    "a late update after the end": (
        active(1, "e1"),
        active(2, "e2", status=S.UNPAID),
        active(3, "e3", status=S.CANCELED, ended_at=event(3).at),
    ),
}


def rows(world: World) -> list[Any]:
    """What is kept, but for how and when it was learned."""
    never = world.now.min
    methods = [
        replace(one, version=0, edited_on=never, seen=None, id="", chosen_on=None)
        for one in kept(world).methods.values()
    ]
    subscriptions = [
        replace(one, version=0, edited_on=never, seen=None) for one in mirrored(world).subscriptions.values()
    ]
    return sorted(map(repr, [*methods, *subscriptions]))


def lived(facts: Iterable[Fact], truth: Fact, *, swept: bool = False) -> World:
    """An account that saw these facts, and the reading that a doubt or a sweep brought."""
    world, asked = linked(), swept
    for fact in facts:
        decision = world.tell(fact)
        assert isinstance(decision, Applied)
        asked = asked or any(".read_" in effect.kind for effect in decision.effects)
    if asked:
        world.applied(truth.model_copy(update={"seen": reading(READ_AT)}))
    return world


HISTORIES = [pytest.param(facts, id=f"method: {name}") for name, facts in METHOD.items()] + [
    pytest.param(facts, id=f"subscription: {name}") for name, facts in SUBSCRIPTION.items()
]


@pytest.mark.parametrize("history", HISTORIES)
def test_every_order_with_repetitions_ends_in_the_same_rows(history: Sequence[Fact]) -> None:
    truth = history[-1]
    wanted = rows(lived(history, truth))
    for order in permutations(history):
        assert rows(lived(order, truth)) == wanted
        assert rows(lived((*order, *order), truth)) == wanted
        assert rows(lived((*order, *reversed(order)), truth)) == wanted


@pytest.mark.parametrize("history", HISTORIES)
def test_whatever_is_lost_a_sweep_makes_good(history: Sequence[Fact]) -> None:
    truth = history[-1]
    wanted = rows(lived(history, truth))
    for lost in range(2 ** len(history)):
        left = [fact for n, fact in enumerate(history) if not lost >> n & 1]
        assert rows(lived(left, truth, swept=True)) == wanted


@pytest.mark.parametrize("history", HISTORIES)
def test_the_end_shows_the_truth(history: Sequence[Fact]) -> None:
    alone = rows(lived([history[-1]], history[-1]))
    assert rows(lived(history, history[-1])) == alone


@given(data=st.data(), which=st.sampled_from([*METHOD.values(), *SUBSCRIPTION.values()]))
def test_any_shuffle_of_any_repetitions_ends_in_the_same_rows(
    data: st.DataObject, which: Sequence[Fact]
) -> None:
    repeated = data.draw(st.lists(st.sampled_from(which), max_size=12))
    order = data.draw(st.permutations([*which, *repeated]))
    assert rows(lived(order, which[-1])) == rows(lived(which, which[-1]))


@value
class Case:
    """An account that asked for something first, then what was told of it, and what readings show in the end."""

    before: Callable[[World], None]
    told: Sequence[Fact]
    truth: Sequence[Fact]


def _authenticating(world: World) -> None:
    method_id = adds_card(world)
    world.applied(PaymentMethodActionRequired(method_id=method_id, setup_intent="seti_1", deadline=at(3600)))


def _setup(seconds: float, name: str, **fields: Any) -> SetupIntentObserved:
    return SetupIntentObserved(setup_intent="seti_1", seen=event(seconds, name), **fields)


FAILED, SUCCEEDED = _setup(10, "e1", failure="No."), _setup(20, "e2")
BROUGHT = _setup(20, "e2", details=A)
SETUPS: dict[str, Case] = {
    "a setup fails, then succeeds": Case(
        _authenticating,
        (FAILED, SUCCEEDED, observed(event(20, "e3"), details=A)),
        (BROUGHT, observed(event(20, "e3"), details=A)),
    ),
    "a setup fails twice": Case(
        _authenticating,
        (FAILED, _setup(20, "e2", failure="Still no.")),
        (_setup(20, "e2", failure="Still no."),),
    ),
    "a setup fails and is cancelled": Case(
        _authenticating, (FAILED, _setup(30, "e4", closed=True)), (_setup(30, "e4", closed=True),)
    ),
    "a setup succeeds, and its method is detached": Case(
        _authenticating,
        (
            SUCCEEDED,
            observed(event(20, "e3"), details=A),
            observed(event(30, "e4"), details=A, customer=None),
        ),
        (observed(event(30, "e4"), details=A, customer=None),),
    ),
}


def _with_paypal(world: World) -> None:
    world.applied(AddPaymentMethod(method_kind=MethodKind.PAYPAL))
    (token,) = kept(world).methods
    world.applied(PaymentMethodVaulted(method_id=token, details=agreement(token), seen=reading(0)))


def _agreement(seen: Observation, **fields: Any) -> BraintreeMethodObserved:
    return BraintreeMethodObserved(reference=TOKEN, seen=seen, **fields)


TOKEN = UUID(int=COMMAND_ID.int + 3).hex
"""Of what is added in the third minute of an account."""
PAYER = agreement(TOKEN).model_copy(update={"payer_email": "other@example.com"})
SEEN_REVOKED = _agreement(event(30, "n3"), revoked=True, details=PAYER)
VAULT: dict[str, Case] = {
    "an agreement is seen, then revoked": Case(
        _with_paypal,
        (_agreement(event(10, "n1"), details=agreement(TOKEN)), _agreement(event(30, "n3"), revoked=True)),
        (SEEN_REVOKED,),
    ),
    "an agreement that nobody knew is seen, then revoked": Case(
        lambda world: None, (_agreement(event(10, "n1"), details=PAYER), SEEN_REVOKED), (SEEN_REVOKED,)
    ),
}


def _customer(seconds: float, name: str, **fields: Any) -> StripeCustomerObserved:
    given: dict[str, Any] = {"default_payment_method": None, **fields}
    return StripeCustomerObserved(customer_id=CUSTOMER, seen=event(seconds, name), **given)


CUSTOMERS: dict[str, Case] = {
    "a customer with a card is deleted": Case(
        lambda world: None,
        (
            observed(event(10, "e1"), details=A),
            _customer(20, "e2", default_payment_method="pm_1"),
            _customer(30, "e3", deleted=True),
        ),
        (_customer(30, "e3", deleted=True),),
    ),
    "a customer with a subscription is deleted": Case(
        lambda world: None,
        (
            active(10, "e1"),
            active(20, "e2", status=S.PAST_DUE),
            _customer(30, "e4", deleted=True),
            active(30, "e3", status=S.CANCELED, ended_at=event(30).at),
        ),
        (
            _customer(30, "e4", deleted=True),
            active(30, "e3", status=S.CANCELED, ended_at=event(30).at),
        ),
    ),
    "the default of a customer is changed and changed back": Case(
        lambda world: None,
        (
            observed(event(10, "e1"), details=A),
            _customer(20, "e2", default_payment_method="pm_2"),
            _customer(30, "e3", default_payment_method="pm_1"),
        ),
        (observed(event(10, "e1"), details=A), _customer(30, "e3", default_payment_method="pm_1")),
    ),
}
UNREADABLE = {"a customer with a card is deleted"}
"""What such an object was like before its end nobody can read any more: after a loss only its end is the same."""


def test_an_agreement_that_is_revoked_and_deleted_is_revoked_whichever_is_told_first() -> None:
    facts = (_agreement(event(10, "n1"), revoked=True), _agreement(reading(20), gone=True))
    for order in (facts, facts[::-1]):
        world = linked()
        _with_paypal(world)
        for fact in order:
            world.applied(fact)
        (method,) = kept(world).methods.values()
        assert (method.state, method.released) == (MethodState.REVOKED, True)


def _ended(case: Case, order: Iterable[Fact], *, swept: bool = False) -> list[Any]:
    world, asked = linked(), swept
    case.before(world)
    for fact in order:
        asked = asked or any(".read_" in effect.kind for effect in world.applied(fact).effects)
    for shown in case.truth if asked else ():
        world.applied(shown.model_copy(update={"seen": reading(READ_AT)}))
    return rows(world)


CASES = {**SETUPS, **VAULT, **CUSTOMERS}


@pytest.mark.parametrize("name", CASES)
def test_what_was_asked_for_ends_the_same_in_every_order_and_after_every_loss(name: str) -> None:
    case = CASES[name]
    wanted = _ended(case, case.told)
    for order in permutations(case.told):
        assert _ended(case, order) == wanted
        assert _ended(case, (*order, *order)) == wanted
        assert _ended(case, (*order, *reversed(order))) == wanted
    for lost in range(2 ** len(case.told)):
        left = [fact for n, fact in enumerate(case.told) if not lost >> n & 1]
        if name not in UNREADABLE:
            assert _ended(case, left, swept=True) == wanted
        else:
            assert not any("active" in row for row in _ended(case, left, swept=True))


@pytest.mark.parametrize("seen", [event(30, "e3"), reading(30)], ids=["event", "reading"])
def test_a_subscription_whose_end_nobody_told_of_is_read_once_its_customer_is_deleted(
    seen: Observation,
) -> None:
    deleted = _customer(30, "e3", deleted=True).model_copy(update={"seen": seen})
    truth = active(30, "e9", status=S.CANCELED, ended_at=event(30).at)
    wanted = rows(lived([truth], truth))
    for order in permutations((active(10, "e1"), active(20, "e2", status=S.PAST_DUE), deleted)):
        assert rows(lived(order, truth)) == wanted
        assert rows(lived((*order, *order), truth)) == wanted


def _paypal(shown: Callable[[str], Sequence[Fact]]) -> tuple[World, Sequence[Fact]]:
    world = linked()
    return world, shown(with_paypal(world))


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_a_revoked_agreement_stays_revoked_whatever_comes_late(order: tuple[int, ...]) -> None:
    def shown(token: str) -> Sequence[Fact]:
        other = agreement(token).model_copy(update={"payer_email": "other@example.com"})
        return (
            BraintreeMethodObserved(reference=token, seen=event(10, "n1"), details=other),
            BraintreeMethodObserved(reference=token, seen=event(20, "n2"), revoked=True),
            BraintreeMethodObserved(reference=token, seen=event(30, "n3"), details=agreement(token)),
        )

    world, facts = _paypal(shown)
    for n in (*order, *order):
        world.applied(facts[n])
    (method,) = kept(world).methods.values()
    assert (method.state.value, method.default) == ("revoked", False)
