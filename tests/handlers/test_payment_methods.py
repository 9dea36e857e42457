"""Commands about payment methods: adding, choosing, editing, removing."""

from datetime import UTC, datetime

import pytest

from handlers.payment_effects import (
    ALIGN_BRAINTREE,
    ALIGN_STRIPE,
    ATTACH_METHOD,
    READ_SETUP,
    START_SETUP,
    VAULT_PAYPAL,
)
from handlers.payment_method import ladder, view
from tests.handlers.payment_worlds import (
    CUSTOMER,
    adds_card,
    agreement,
    at,
    card,
    default,
    event,
    kept,
    linked,
    method,
    observed,
    reading,
    with_card,
    with_paypal,
)
from tests.handlers.worlds import START, World
from topics.accounts import AccountType, EraseAccount
from topics.codes import Code
from topics.message import Message, Role
from topics.payment_methods import (
    AddPaymentMethod,
    CollectionMethod,
    CollectionMethodChanged,
    EditPaymentMethod,
    MethodKind,
    MethodState,
    PaymentMethodActionRequired,
    PaymentMethodDeclined,
    PaymentMethodVaulted,
    ReconcileCollectionMethod,
    RemovePaymentMethod,
    ReviewCardExpiry,
    SetDefaultPaymentMethod,
    StartPaymentMethodSetup,
)
from topics.stripe_customers import StripeCustomerShared

CARD = AddPaymentMethod(method_kind=MethodKind.CREDIT_CARD, payment_method="pm_1")
CARD_2 = AddPaymentMethod(method_kind=MethodKind.CREDIT_CARD, payment_method="pm_2")
PAYPAL = AddPaymentMethod(method_kind=MethodKind.PAYPAL)
SETUP = "seti_1"


def test_a_card_is_pending_until_stripe_keeps_it() -> None:
    world = linked()
    decision = world.applied(CARD)
    assert not decision.concludes
    (effect,) = decision.effects
    (added,) = kept(world).methods.values()
    assert effect.kind == ATTACH_METHOD
    assert effect.payload == {"method_id": added.id, "payment_method": "pm_1"}
    assert (added.state, added.default) == (MethodState.PENDING_SETUP, False)


def test_the_first_method_that_is_kept_becomes_the_default() -> None:
    world = linked()
    first = with_card(world)
    second = with_card(world, "pm_2")
    assert default(world) == first
    assert [one.id for one in ladder(kept(world))] == [first, second]


def test_a_method_that_was_wished_as_default_becomes_it_when_it_is_kept() -> None:
    world = linked()
    first = with_card(world)
    second = adds_card(world, "pm_2", default=True)
    assert default(world) == first
    world.applied(PaymentMethodVaulted(method_id=second, details=card("pm_2"), seen=reading(0)))
    assert default(world) == second


def test_paypal_is_vaulted_under_its_own_name() -> None:
    world = linked()
    with_card(world)
    decision = world.applied(PAYPAL)
    (effect,) = decision.effects
    assert decision.result is not None
    assert (effect.kind, effect.payload) == (VAULT_PAYPAL, {"method_id": decision.result["id"]})


def test_paypal_beside_a_card_has_invoices_sent() -> None:
    world = linked()
    with_card(world)
    with_paypal(world)
    (flip,) = [one for one in world.events if isinstance(one, CollectionMethodChanged)]
    assert flip.collection_method is CollectionMethod.SEND_INVOICE


def test_removing_paypal_has_stripe_charge_again() -> None:
    world = linked()
    with_card(world)
    paypal = with_paypal(world)
    decision = world.applied(RemovePaymentMethod(method_id=paypal))
    assert isinstance(world.events[-1], CollectionMethodChanged)
    assert world.events[-1].collection_method is CollectionMethod.CHARGE_AUTOMATICALLY
    assert {effect.kind for effect in decision.effects} == {ALIGN_STRIPE, ALIGN_BRAINTREE}


def test_an_account_keeps_two_methods_and_pending_ones_count() -> None:
    world = linked()
    with_card(world)
    adds_card(world, "pm_2")
    assert world.code(PAYPAL) is Code.PAYMENT_METHOD_LIMIT
    assert world.code(StartPaymentMethodSetup()) is Code.PAYMENT_METHOD_LIMIT


def test_a_place_is_free_again_after_a_removal_and_after_a_decline() -> None:
    world = linked()
    first = with_card(world)
    second = adds_card(world, "pm_2")
    failed = world.failed(
        PaymentMethodDeclined(method_id=second, code="card_declined", reason="No.", permanent=True)
    )
    assert failed.refused.code is Code.NO_VALID_PAYMENT_METHOD
    assert method(world, second).state is MethodState.DETACHED
    world.applied(RemovePaymentMethod(method_id=first))
    with_card(world, "pm_3")
    assert with_card(world, "pm_4")


def test_who_is_told_what_to_do_is_not_told_the_usual_as_well() -> None:
    world = linked()
    added = world.applied(PAYPAL)
    assert added.result is not None
    failed = world.failed(
        PaymentMethodDeclined(
            method_id=added.result["id"],
            code="93107",
            reason="This PayPal authorisation was used before.",
            permanent=False,
            advice="Connect PayPal again.",
        )
    )
    assert failed.refused.message == "This PayPal authorisation was used before. Connect PayPal again."


def test_the_same_card_again_is_the_one_that_is_kept() -> None:
    world = linked()
    first = with_card(world)
    assert adds_card(world) == first
    assert len(kept(world).methods) == 1


@pytest.mark.parametrize(
    "command",
    [
        AddPaymentMethod(method_kind=MethodKind.CREDIT_CARD),
        AddPaymentMethod(method_kind=MethodKind.CREDIT_CARD, payment_method="pm_1", setup_intent=SETUP),
        AddPaymentMethod(method_kind=MethodKind.PAYPAL, payment_method="pm_1"),
    ],
)
def test_a_method_is_named_as_its_kind_is(command: AddPaymentMethod) -> None:
    refused = linked().refused(command)
    assert refused.code is Code.INVALID
    assert refused.problems[0].pointer == "/payment_method"


def test_paypal_is_not_for_every_type_of_account() -> None:
    assert linked(AccountType.CHINA).code(PAYPAL) is Code.ACCOUNT_TYPE_EXCLUDED


@pytest.mark.parametrize("command", [CARD, StartPaymentMethodSetup(), ReconcileCollectionMethod()])
def test_nothing_is_changed_for_accounts_that_share_a_customer(command: Message) -> None:
    world = linked()
    world.applied(StripeCustomerShared(customer_id=CUSTOMER, accounts=2, as_of=START), Role.SYSTEM)
    assert world.code(command) is Code.MERGED_ACCOUNT


def test_no_default_is_chosen_for_accounts_that_share_a_customer_by_whatever_command() -> None:
    world = linked()
    with_card(world)
    second = with_card(world, "pm_2")
    world.applied(StripeCustomerShared(customer_id=CUSTOMER, accounts=2, as_of=START), Role.SYSTEM)
    again = AddPaymentMethod(
        method_kind=MethodKind.CREDIT_CARD, payment_method="pm_2", default=True, nick_name="x"
    )
    for command in (
        EditPaymentMethod(method_id=second, default=True),
        SetDefaultPaymentMethod(method_id=second),
        again,
    ):
        assert world.code(command) is Code.MERGED_ACCOUNT
    assert world.code(EditPaymentMethod(method_id=second, nick_name="still mine")) is None


def test_a_customer_who_has_to_authenticate_is_told_and_has_until_the_deadline() -> None:
    world = linked()
    method_id = adds_card(world)
    asked = world.applied(
        PaymentMethodActionRequired(method_id=method_id, setup_intent=SETUP, deadline=at(3600))
    )
    assert asked.result is not None
    assert (asked.result["status"], asked.result["client_secret"]) == ("requires_action", None)
    (deadline,) = asked.effects
    assert deadline.target == "deadline"
    assert method(world, method_id).state is MethodState.PENDING_SETUP


def test_removing_what_waits_for_authentication_cancels_its_setup() -> None:
    world = linked()
    method_id = adds_card(world)
    world.applied(PaymentMethodActionRequired(method_id=method_id, setup_intent=SETUP, deadline=at(3600)))
    removed = world.applied(RemovePaymentMethod(method_id=method_id))
    assert READ_SETUP in {effect.kind for effect in removed.effects}


def test_a_method_that_was_removed_before_its_processor_had_it_is_let_go() -> None:
    world = linked()
    method_id = adds_card(world)
    world.applied(RemovePaymentMethod(method_id=method_id))
    failed = world.failed(PaymentMethodVaulted(method_id=method_id, details=card(), seen=reading(0)))
    assert failed.refused.code is Code.NOT_FOUND
    assert not method(world, method_id).released
    assert ALIGN_STRIPE in {effect.kind for effect in failed.applied.effects}


def test_the_default_is_chosen_among_usable_methods() -> None:
    world = linked()
    first, second = with_card(world), adds_card(world, "pm_2")
    assert world.code(SetDefaultPaymentMethod(method_id=second)) is Code.NO_VALID_PAYMENT_METHOD
    assert world.code(SetDefaultPaymentMethod(method_id="0" * 32)) is Code.NOT_FOUND
    world.applied(PaymentMethodVaulted(method_id=second, details=card("pm_2"), seen=reading(0)))
    moved = world.applied(SetDefaultPaymentMethod(method_id=second))
    assert default(world) == second != first
    assert [effect.kind for effect in moved.effects] == [ALIGN_STRIPE]


def test_when_the_default_goes_the_oldest_follows() -> None:
    world = linked()
    first, second = with_card(world), with_card(world, "pm_2")
    world.applied(RemovePaymentMethod(method_id=first))
    assert default(world) == second
    assert world.applied(RemovePaymentMethod(method_id=first)).changes == {}


def test_editing_leaves_what_is_not_named() -> None:
    world = linked()
    method_id = with_card(world, nick_name="Team", country="GB")
    edited = world.applied(EditPaymentMethod(method_id=method_id, nick_name="Old team"))
    assert edited.result is not None
    assert (edited.result["nick_name"], edited.result["country"]) == ("Old team", "GB")
    stale = EditPaymentMethod(method_id=method_id, nick_name="x", expected_version=1)
    assert world.code(stale) is Code.VERSION_CONFLICT
    assert world.code(EditPaymentMethod(method_id="0" * 32)) is Code.NOT_FOUND


def test_a_setup_begins_with_an_effect_and_its_secret_is_not_told() -> None:
    begun = linked().applied(StartPaymentMethodSetup())
    assert not begun.concludes
    assert [effect.kind for effect in begun.effects] == [START_SETUP]


def test_an_erasure_leaves_no_word_of_who_paid() -> None:
    world = linked()
    with_card(world, first_name="Ada")
    with_paypal(world)
    world.applied(EraseAccount(reason="asked"), Role.SUPPORT)
    for one in kept(world).methods.values():
        assert one.gone
        assert not one.billing
        assert view(one)["payment_email"] is None
    assert {one.details.last_four for one in kept(world).methods.values()} == {None}


def test_what_is_vaulted_after_an_erasure_is_let_go_and_nothing_is_known_of_its_payer() -> None:
    world = linked()
    added = world.applied(PAYPAL)
    assert added.result is not None
    token = added.result["id"]
    world.applied(EraseAccount(reason="asked"), Role.SUPPORT)
    late = world.failed(PaymentMethodVaulted(method_id=token, details=agreement(token), seen=reading(5)))
    assert ALIGN_BRAINTREE in {effect.kind for effect in late.applied.effects}
    details = method(world, token).details
    assert (details.payer_email, details.agreement_id, details.reference) == (None, None, token)


def test_a_method_is_shown_in_the_public_api_s_words() -> None:
    world: World = linked()
    world.applied(observed(event(1)))
    (found,) = kept(world).methods.values()
    shown = view(found)
    assert (shown["type"], shown["last_four"], shown["expiration_date"], shown["default"]) == (
        "CREDIT_CARD",
        "4242",
        "12/2030",
        True,
    )


def kept_beside(world: World, added: AddPaymentMethod) -> list[str]:
    """Another method is added and kept, and the default stays; what is owed for it."""
    before, told = default(world), world.applied(added).result
    assert told is not None
    details = card("pm_2") if added.payment_method else agreement(told["id"])
    vaulted = world.applied(PaymentMethodVaulted(method_id=told["id"], details=details, seen=reading(0)))
    assert default(world) == before
    return [effect.kind for effect in vaulted.effects]


def test_the_first_that_a_processor_keeps_is_its_default_though_the_account_s_is_elsewhere() -> None:
    world = linked()
    with_paypal(world)
    assert kept_beside(world, CARD_2) == [ALIGN_STRIPE]
    world = linked()
    with_card(world)
    assert ALIGN_BRAINTREE in kept_beside(world, PAYPAL)


def test_a_card_that_expires_behind_paypal_is_no_longer_the_default_at_stripe() -> None:
    world = linked()
    with_paypal(world)
    method_id = with_card(world)
    world.now = datetime(2031, 1, 1, tzinfo=UTC)
    told = world.applied(ReviewCardExpiry(), Role.SYSTEM)
    assert method(world, method_id).state is MethodState.EXPIRED
    assert [effect.kind for effect in told.effects] == [ALIGN_STRIPE]


def test_what_was_chosen_stays_the_default_while_another_choice_waits_for_its_bank() -> None:
    world = linked(AccountType.ENTERPRISE)
    with_card(world)
    chosen = with_card(world, "pm_2", default=True)
    waits = adds_card(world, "pm_3")
    adds_card(world, "pm_3", default=True)
    assert default(world) == chosen
    world.applied(PaymentMethodVaulted(method_id=waits, details=card("pm_3"), seen=reading(0)))
    assert default(world) == waits
