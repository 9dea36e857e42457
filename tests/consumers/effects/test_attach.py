"""Whose payment methods and setups may be kept, and which are looked at only."""

import httpx
import pytest

from handlers.stripe_projection import SHARED_REASON
from state.redis import handover
from state.stripe.declines import AUTHENTICATE
from tests.consumers.effects.payments import Payments
from tests.consumers.effects.stripe_side import attached, strangers_card, stripe
from topics.payment_methods import AddPaymentMethod, MethodKind, MethodState, RemovePaymentMethod
from topics.stripe_customers import LinkStripeCustomer

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="session")]


def setup(payments: Payments, customer_id: str, card: str = "pm_card_visa") -> str:
    """A page of this customer confirms a setup with a card; gives its id."""
    made = stripe(
        payments,
        "/v1/setup_intents",
        customer=customer_id,
        payment_method=card,
        confirm="true",
        **{"payment_method_types[]": "card"},
    )
    return str(made["id"])


def by(intent: str) -> AddPaymentMethod:
    return AddPaymentMethod(method_kind=MethodKind.CREDIT_CARD, setup_intent=intent)


async def test_a_setup_that_the_customer_confirmed_brings_its_card(payments: Payments) -> None:
    intent = setup(payments, (await payments.customer())["id"])
    operation = await payments.ask(by(intent))
    await payments.world.settle()
    assert (await payments.end(operation))[0] == "applied"
    assert attached(payments) == [(await payments.only()).details.reference]


async def test_a_setup_of_another_customer_is_neither_taken_nor_touched(payments: Payments) -> None:
    eve = stripe(payments, "/v1/customers", name="Eve")["id"]
    for card in ("pm_card_visa", "pm_card_threeDSecure2Required"):
        intent = setup(payments, eve, card)
        operation = await payments.ask(by(intent))
        await payments.world.settle()
        outcome, _, answer = await payments.end(operation)
        assert outcome == "refused"
        assert "another customer" in answer["message"]
    statuses = {one["status"] for one in payments.objects("setup_intent")}
    assert statuses == {"succeeded", "requires_action"}
    assert len(attached(payments)) == 1


async def test_a_card_of_another_customer_is_refused_and_stays_theirs(payments: Payments) -> None:
    card = strangers_card(payments)
    operation = await payments.adds(card)
    await payments.world.settle()
    assert (await payments.end(operation))[0] == "refused"
    assert attached(payments) == [card]


async def test_a_setup_that_is_unknown_or_not_confirmed_is_refused(payments: Payments) -> None:
    unconfirmed = stripe(payments, "/v1/setup_intents", customer=(await payments.customer())["id"])["id"]
    for intent in (unconfirmed, "seti_1unknown"):
        operation = await payments.ask(by(intent))
        await payments.world.settle()
        assert (await payments.end(operation))[:2] == ("refused", 1210)


async def test_whoever_failed_to_authenticate_is_told_to_try_again_and_confirm_it(payments: Payments) -> None:
    """The bank's word is a decline with an advice of its own: another day would not help."""
    intent = setup(payments, (await payments.customer())["id"], "pm_card_threeDSecure2Required")
    url = f"{payments.world.double.url}/authenticate/{intent}"
    assert httpx.post(url, params={"outcome": "fail"}, trust_env=False).is_success
    operation = await payments.ask(by(intent))
    await payments.world.settle()
    outcome, _, answer = await payments.end(operation)
    assert outcome == "refused"
    assert AUTHENTICATE in answer["message"]


async def test_a_pending_setup_that_is_removed_is_cancelled_at_stripe(payments: Payments) -> None:
    intent = setup(payments, (await payments.customer())["id"], "pm_card_threeDSecure2Required")
    await payments.ask(by(intent))
    await payments.world.settle()
    method = await payments.only()
    assert method.state is MethodState.PENDING_SETUP
    await payments.ask(RemovePaymentMethod(method_id=method.id))
    await payments.world.settle()
    (found,) = payments.objects("setup_intent")
    assert found["status"] == "canceled"
    assert (await payments.kept()).methods[method.id].released


async def test_nothing_is_attached_to_a_customer_that_several_accounts_share(payments: Payments) -> None:
    operation = await payments.adds()
    other = await payments.world.account()
    await payments.world.say(
        other, LinkStripeCustomer(customer_id=(await payments.customer())["id"], expected_customer_id=None)
    )
    await payments.world.settle()
    outcome, _, answer = await payments.end(operation)
    assert outcome == "refused"
    assert SHARED_REASON in answer["message"]
    assert payments.objects("setup_intent") == []


async def test_without_redis_a_secret_waits_until_it_can_be_handed_over(
    payments: Payments, monkeypatch: pytest.MonkeyPatch
) -> None:
    refusals, give = iter([ConnectionError("away")]), handover.give

    async def away_at_first(*given: object, **options: object) -> None:
        for down in refusals:
            raise down
        await give(*given, **options)  # type: ignore[arg-type]

    monkeypatch.setattr("consumers.performers.stripe_setups.handover.give", away_at_first)
    operation = await payments.adds("pm_card_threeDSecure2Required")
    await payments.world.settle()
    assert await payments.secret(operation) is not None
    assert len(payments.objects("setup_intent")) == 1
