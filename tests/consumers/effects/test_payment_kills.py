"""A member killed between any two steps with a payment method at Stripe: each step is done, and done once."""

from datetime import UTC, datetime

import pytest

from handlers.payment_effects import READ_SETUP
from tests.consumers.effects.payments import Payments
from tests.consumers.effects.stripe_side import attached, stripe, subscribed
from tests.consumers.effects.test_kills import killed_at
from topics.observation import Observation
from topics.payment_methods import (
    AddPaymentMethod,
    BraintreeMethodObserved,
    MethodKind,
    MethodState,
    ReconcileCollectionMethod,
    RemovePaymentMethod,
    SetDefaultPaymentMethod,
    SetupDeadlinePassed,
    StartPaymentMethodSetup,
)

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="session")]
CLOSING = ("effects.claimed", "effects.performed", "effects.before_commit", "effects.committed")


@pytest.mark.parametrize("point", [*CLOSING, "payments.setup_made", "payments.method_read"])
async def test_killed_while_a_card_is_attached(payments: Payments, point: str) -> None:
    operation = await payments.adds()
    await killed_at(payments.world, point)
    await payments.world.settle()
    assert (await payments.end(operation))[0] == "applied"
    method = await payments.only()
    assert (method.state, attached(payments)) == (MethodState.ACTIVE, [method.details.reference])
    assert len(payments.objects("setup_intent")) == 1


@pytest.mark.parametrize("point", ["stripe.reserved", "stripe.made", "payments.setup_made"])
async def test_killed_while_the_first_card_makes_the_customer(payments: Payments, point: str) -> None:
    account = await payments.world.account()
    fresh = Payments(payments.world, payments.vault, account)
    operation = await fresh.adds()
    await killed_at(payments.world, point)
    await payments.world.settle()
    assert (await fresh.end(operation))[0] == "applied"
    assert payments.world.only_customer(account)["id"] == (await payments.world.link(account)).customer_id
    assert len(payments.objects("setup_intent")) == 1


@pytest.mark.parametrize("point", ["payments.setup_made", "payments.secret_given", "effects.performed"])
async def test_killed_while_a_secret_is_handed_over(payments: Payments, point: str) -> None:
    card = await payments.adds("pm_card_threeDSecure2Required")
    await killed_at(payments.world, point)
    await payments.world.settle()
    page = await payments.ask(StartPaymentMethodSetup())
    await killed_at(payments.world, point)
    await payments.world.settle()
    intents = {one["client_secret"] for one in payments.objects("setup_intent")}
    assert {await payments.secret(card), await payments.secret(page)} == intents
    assert len(intents) == 2


@pytest.mark.parametrize(
    "point", ["payments.default_chosen", "payments.collection_flipped", "payments.method_detached"]
)
async def test_killed_while_stripe_is_brought_in_line(payments: Payments, point: str) -> None:
    await payments.adds()
    await payments.world.settle()
    first = await payments.only()
    await payments.adds("pm_card_mastercard")
    await payments.world.settle()
    subscription = await subscribed(payments, default_payment_method=first.details.reference)
    stripe(payments, f"/v1/subscriptions/{subscription}", collection_method="send_invoice", days_until_due=3)
    await payments.ask(RemovePaymentMethod(method_id=first.id))
    await payments.ask(ReconcileCollectionMethod())
    await killed_at(payments.world, point)
    await payments.world.settle()
    left = (await payments.only()).details.reference
    customer = await payments.customer()
    assert customer["invoice_settings"]["default_payment_method"] == left
    assert attached(payments) == [left]
    (found,) = payments.objects("subscription")
    assert (found["collection_method"], found["default_payment_method"]) == ("charge_automatically", None)
    assert (await payments.kept()).methods[first.id].released


@pytest.mark.parametrize("point", ["payments.setup_released", "effects.performed"])
async def test_killed_while_a_setup_is_released(payments: Payments, point: str) -> None:
    await payments.adds("pm_card_threeDSecure2Required")
    await payments.world.settle()
    pending = await payments.only()
    assert pending.setup_intent is not None
    await payments.world.say(payments.account, SetupDeadlinePassed(setup_intent=pending.setup_intent))
    await killed_at(payments.world, point)
    await payments.world.settle()
    assert [one["status"] for one in payments.objects("setup_intent")] == ["canceled"]
    assert (await payments.kept()).methods[pending.id].state is MethodState.DETACHED


@pytest.mark.parametrize("point", ["effects.claimed", "payments.setup_cancelled", "effects.performed"])
async def test_killed_while_a_removed_setup_is_cancelled(payments: Payments, point: str) -> None:
    """A page began it and its bank still asks; the reading that would release it is out of the way."""
    customer, card = (await payments.customer())["id"], "pm_card_threeDSecure2Required"
    begun = stripe(payments, "/v1/setup_intents", customer=customer, payment_method=card, confirm="true")
    given = AddPaymentMethod(method_kind=MethodKind.CREDIT_CARD, setup_intent=begun["id"])
    await payments.ask(given)
    await payments.world.settle()
    pending = await payments.only()
    await payments.ask(RemovePaymentMethod(method_id=pending.id))
    connection = payments.world.connection
    await connection.execute(
        "UPDATE effects SET state = 'done' WHERE kind = $1 AND state = 'open'", READ_SETUP
    )
    await killed_at(payments.world, point)
    await payments.world.settle()
    assert [one["status"] for one in payments.objects("setup_intent")] == ["canceled"]
    gone = (await payments.kept()).methods[pending.id]
    assert (gone.state, gone.released) == (MethodState.DETACHED, True)


@pytest.mark.parametrize("point", [*CLOSING, "braintree.customer_there", "braintree.vaulted"])
async def test_killed_while_an_agreement_is_vaulted(payments: Payments, point: str) -> None:
    subscription = await subscribed(payments, collection_method="send_invoice", days_until_due=30)
    operation = await payments.connects()
    await killed_at(payments.world, point, braintree=payments.vault.url)
    await payments.world.settle()
    assert (await payments.end(operation))[0] == "applied"
    method = await payments.only()
    (held,) = payments.vault.driver.methods()
    assert (method.state, held["token"], held["customer_id"]) == (
        MethodState.ACTIVE,
        method.id,
        payments.account,
    )
    assert [one["id"] for one in payments.vault.driver.customers()] == [payments.account]
    changes = [kind for kind, _ in payments.vault.driver.ledger()]
    assert changes.count("payment_method.created") == 1
    (found,) = payments.objects("subscription")
    assert (found["id"], found["collection_method"]) == (subscription, "send_invoice")


@pytest.mark.parametrize(
    "point", ["braintree.deleted", "braintree.default_made", "payments.collection_flipped"]
)
async def test_killed_while_the_vault_and_stripe_follow(payments: Payments, point: str) -> None:
    await payments.connects()
    await payments.world.settle()
    first = await payments.only()
    await payments.connects("second@example.com")
    await payments.world.settle()
    await subscribed(payments, collection_method="send_invoice", days_until_due=30)
    second = next(one for one in (await payments.kept()).methods.values() if one.id != first.id)
    await payments.ask(SetDefaultPaymentMethod(method_id=second.id))
    if point == "braintree.deleted":
        await payments.ask(RemovePaymentMethod(method_id=first.id))
    if point == "payments.collection_flipped":
        await payments.world.settle()
        for one in (first, second):
            await payments.world.say(payments.account, revoked(one.id))
    await killed_at(payments.world, point, braintree=payments.vault.url)
    await payments.world.settle()
    kept = {one.id for one in (await payments.kept()).methods.values() if one.state is MethodState.ACTIVE}
    held = {one["token"]: one["default"] for one in payments.vault.driver.methods()}
    assert held == ({} if not kept else {one: one == second.id for one in kept})
    (found,) = payments.objects("subscription")
    assert found["collection_method"] == ("send_invoice" if kept else "charge_automatically")


def revoked(token: str) -> BraintreeMethodObserved:
    """Its payer took it back."""
    now = datetime.now(UTC).replace(microsecond=0)
    return BraintreeMethodObserved(reference=token, seen=Observation(at=now, event_id="bt_1"), revoked=True)
