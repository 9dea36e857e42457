"""What came of adding a method: kept, to be authenticated, declined; too late, or for another customer."""

import pytest

from handlers.decision import Applied
from handlers.payment_effects import ALIGN_BRAINTREE, ALIGN_STRIPE, READ_METHOD, READ_SETUP, SETUP_DEADLINE
from tests.handlers.payment_worlds import (
    CUSTOMER,
    adds_card,
    agreement,
    at,
    card,
    default,
    kept,
    linked,
    method,
    reading,
    with_card,
)
from tests.handlers.worlds import World
from topics.codes import Code
from topics.message import Role
from topics.payment_methods import (
    AddPaymentMethod,
    MethodKind,
    MethodState,
    PaymentMethodActionRequired,
    PaymentMethodDeclined,
    PaymentMethodVaulted,
    RemovePaymentMethod,
)
from topics.stripe_customers import LinkStripeCustomer

SETUP = "seti_1"


def vaulted(method_id: str, reference: str = "pm_1", customer: str | None = CUSTOMER) -> PaymentMethodVaulted:
    return PaymentMethodVaulted(
        method_id=method_id, details=card(reference), seen=reading(5), customer_id=customer
    )


def action(method_id: str, customer: str | None = CUSTOMER) -> PaymentMethodActionRequired:
    return PaymentMethodActionRequired(
        method_id=method_id, setup_intent=SETUP, deadline=at(3600), customer_id=customer
    )


def relinked(world: World, customer: str = "cus_B") -> None:
    current = CUSTOMER if customer != CUSTOMER else "cus_B"
    link = LinkStripeCustomer(customer_id=customer, expected_customer_id=current)
    world.applied(link, Role.SERVICE)


def test_what_is_kept_is_told_as_it_is_now_and_a_repetition_changes_nothing() -> None:
    world = linked()
    method_id = adds_card(world)
    told = world.applied(vaulted(method_id)).result
    assert told is not None
    assert (told["id"], told["status"], told["default"]) == (method_id, "active", True)
    assert (told["last_four"], method(world, method_id).details.reference) == ("4242", "pm_1")
    again = world.applied(vaulted(method_id))
    assert (again.changes, again.effects, again.result) == ({}, (), told)


def test_of_the_same_method_added_twice_the_first_stays_with_what_was_said_of_the_second() -> None:
    world = linked()
    first = with_card(world)
    second = adds_card(world, "pm_2", first_name="Grace")
    told = world.applied(vaulted(second, "pm_1")).result
    assert told is not None
    assert told["id"] == first
    gone = method(world, second)
    assert (gone.state, gone.released) == (MethodState.DETACHED, True)  # its reference is the first one's
    assert kept(world).referred("pm_1") == method(world, first)
    assert method(world, first).billing["first_name"] == "Grace"
    assert default(world) == first


def test_authentication_is_asked_for_with_a_deadline_that_is_looked_at() -> None:
    world = linked()
    method_id = adds_card(world)
    asked = world.applied(action(method_id))
    assert asked.result is not None
    assert asked.result["status"] == "requires_action"
    assert asked.result["client_secret"] is None  # it is handed over beside the journal
    assert [effect.kind for effect in asked.effects] == [SETUP_DEADLINE]
    waiting = method(world, method_id)
    assert (waiting.state, waiting.setup_intent, waiting.deadline) == (
        MethodState.PENDING_SETUP,
        SETUP,
        at(3600),
    )
    world.applied(vaulted(method_id))
    active = method(world, method_id)
    assert (active.state, active.setup_intent, active.deadline) == (MethodState.ACTIVE, None, None)


def test_authentication_of_what_was_removed_meanwhile_is_let_go() -> None:
    world = linked()
    method_id = adds_card(world)
    world.applied(RemovePaymentMethod(method_id=method_id))
    decision = world.applied(action(method_id))
    assert decision.changes == {}
    (look,) = decision.effects
    assert (look.kind, look.payload["release"]) == (READ_SETUP, True)


def test_what_was_removed_meanwhile_is_let_go_at_its_processor() -> None:
    world = linked()
    method_id = adds_card(world)
    world.applied(RemovePaymentMethod(method_id=method_id))
    late = world.failed(vaulted(method_id))
    assert late.refused.code is Code.NOT_FOUND
    assert [effect.kind for effect in late.applied.effects] == [ALIGN_STRIPE]
    assert (method(world, method_id).gone, method(world, method_id).released) == (True, False)
    assert method(world, method_id).details.last_four is None  # only its name is kept


def test_what_nobody_added_is_refused_and_changes_nothing() -> None:
    for result in (vaulted("0" * 32), declined("0" * 32)):
        assert linked().failed(result).applied == Applied()


def declined(method_id: str, *, permanent: bool = False, advice: str | None = None) -> PaymentMethodDeclined:
    return PaymentMethodDeclined(
        method_id=method_id, code="no", reason="The bank says no.", permanent=permanent, advice=advice
    )


@pytest.mark.parametrize(
    ("permanent", "advice", "said"),
    [
        (False, None, "The bank says no. Try again later, or use another one."),
        (True, None, "The bank says no. Use another payment method."),
        (True, "Call the bank.", "The bank says no. Call the bank."),
    ],
)
def test_a_decline_says_why_and_what_to_do(permanent: bool, advice: str | None, said: str) -> None:
    world = linked()
    method_id = adds_card(world)
    refused = world.failed(declined(method_id, permanent=permanent, advice=advice)).refused
    assert (refused.code, refused.message) == (Code.NO_VALID_PAYMENT_METHOD, said)
    assert (method(world, method_id).state, method(world, method_id).released) == (MethodState.DETACHED, True)


def test_a_decline_of_paypal_is_let_go_all_the_same() -> None:
    world = linked()
    added = world.applied(AddPaymentMethod(method_kind=MethodKind.PAYPAL))
    assert added.result is not None
    token = str(added.result["id"])
    assert [effect.kind for effect in world.failed(declined(token)).applied.effects] == [ALIGN_BRAINTREE]
    assert not method(world, token).released


def test_a_late_decline_takes_nothing_away() -> None:
    world = linked()
    method_id = with_card(world)
    assert world.failed(declined(method_id)).applied == Applied()
    assert default(world) == method_id


def test_what_was_kept_for_another_customer_of_stripe_has_to_be_added_again() -> None:
    world = linked()
    method_id = adds_card(world)
    relinked(world)
    late = world.failed(vaulted(method_id))
    assert "Add the payment method again." in late.refused.message
    assert method(world, method_id).elsewhere
    assert default(world) is None
    again = world.failed(vaulted(method_id))
    assert again.applied == Applied()
    relinked(world, CUSTOMER)
    assert default(world) is None
    assert [effect.kind for effect in world.failed(vaulted(method_id)).applied.effects] == [READ_METHOD]


def test_authentication_for_another_customer_of_stripe_is_cancelled() -> None:
    world = linked()
    method_id = adds_card(world)
    relinked(world)
    failed = world.failed(action(method_id))
    assert "Add the payment method again." in failed.refused.message
    assert READ_SETUP in [effect.kind for effect in failed.applied.effects]
    assert method(world, method_id).gone


def test_paypal_has_no_customer_of_stripe_to_be_at() -> None:
    world = linked()
    added = world.applied(AddPaymentMethod(method_kind=MethodKind.PAYPAL))
    assert added.result is not None
    token = str(added.result["id"])
    relinked(world)
    result = PaymentMethodVaulted(method_id=token, details=agreement(token), seen=reading(5))
    assert world.applied(result).result is not None
    assert default(world) == token
