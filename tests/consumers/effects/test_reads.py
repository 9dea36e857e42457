"""Objects of Stripe's that are looked at because their events leave something open."""

import httpx
import orjson
import pytest
from uuid6 import uuid7

from handlers.decision import EffectRequest
from handlers.payment_effects import read_method, read_setup, read_subscription
from state.postgres import effects
from state.postgres.effects import EffectRow
from tests.consumers.effects.payments import Payments
from tests.consumers.effects.stripe_side import stripe, subscribed
from topics.payment_methods import MethodState, RemovePaymentMethod, SetupDeadlinePassed
from topics.subscriptions import SubscriptionStatus

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="session")]


async def looked_at(payments: Payments, wanted: EffectRequest) -> None:
    """Have a look taken, and told."""
    payload = orjson.dumps(wanted.payload).decode()
    row = (payments.account, uuid7(), wanted.kind, wanted.target, wanted.coalesce, payload, None)
    await effects.add(payments.world.connection, [EffectRow(*row)])
    await payments.world.settle()


def authenticate(payments: Payments, intent: str, *, passed: bool = True) -> None:
    """The cardholder answers, and no webhook tells of it."""
    url = f"{payments.world.double.url}/_sandbox/setup_intents/{intent}/authenticate"
    assert httpx.post(url, json={"passed": passed}, trust_env=False).is_success


async def pending(payments: Payments) -> str:
    """A setup that waits for its customer."""
    await payments.adds("pm_card_threeDSecure2Required")
    await payments.world.settle()
    intent = (await payments.only()).setup_intent
    assert intent is not None
    return intent


@pytest.mark.parametrize("how", ["detached", "deleted"])
async def test_a_method_that_is_nobodys_any_more_is_over(payments: Payments, how: str) -> None:
    await payments.adds()
    await payments.world.settle()
    method = await payments.only()
    if how == "detached":
        stripe(payments, f"/v1/payment_methods/{method.details.reference}/detach")
    else:
        payments.world.double.driver.delete(method.details.reference, silent=True)
    await looked_at(payments, read_method(method.details.reference))
    assert (await payments.kept()).methods[method.id].state is MethodState.DETACHED


async def test_a_new_date_of_expiry_is_learned(payments: Payments) -> None:
    await payments.adds()
    await payments.world.settle()
    reference = (await payments.only()).details.reference
    stripe(payments, f"/v1/payment_methods/{reference}", **{"card[exp_month]": "3", "card[exp_year]": "2041"})
    await looked_at(payments, read_method(reference))
    details = (await payments.only()).details
    assert (details.exp_month, details.exp_year) == (3, 2041)


async def test_a_subscription_is_mirrored_and_one_that_is_gone_is_over(payments: Payments) -> None:
    await payments.adds()
    await payments.world.settle()
    subscription = await subscribed(payments)
    await looked_at(payments, read_subscription(subscription))
    assert (await payments.mirrored()).subscriptions[subscription].status is SubscriptionStatus.ACTIVE
    payments.world.double.driver.delete(subscription, silent=True)
    await looked_at(payments, read_subscription(subscription))
    assert (await payments.mirrored()).subscriptions[subscription].status is SubscriptionStatus.CANCELED


async def test_a_success_of_which_word_was_lost_is_found_at_the_deadline(payments: Payments) -> None:
    intent = await pending(payments)
    authenticate(payments, intent)
    await payments.world.say(payments.account, SetupDeadlinePassed(setup_intent=intent))
    await payments.world.settle()
    assert (await payments.only()).state is MethodState.ACTIVE


async def test_whoever_authenticated_finds_the_method_under_the_id_that_was_given(payments: Payments) -> None:
    """Also where word of its attachment came first."""
    intent = await pending(payments)
    given = (await payments.only()).id
    authenticate(payments, intent)
    brought = payments.objects("setup_intent")[0]["payment_method"]
    await looked_at(payments, read_method(brought))
    assert len((await payments.kept()).methods) == 2
    await looked_at(payments, read_setup(intent, release=False))
    kept = await payments.only()
    assert (kept.id, kept.state, kept.details.reference) == (given, MethodState.ACTIVE, brought)


async def test_a_look_before_the_deadline_releases_nothing(payments: Payments) -> None:
    intent = await pending(payments)
    await looked_at(payments, read_setup(intent, release=False))
    assert (await payments.only()).state is MethodState.PENDING_SETUP
    assert payments.objects("setup_intent")[0]["status"] == "requires_action"


async def test_after_a_failed_authentication_the_next_one_may_succeed(payments: Payments) -> None:
    intent = await pending(payments)
    authenticate(payments, intent, passed=False)
    await looked_at(payments, read_setup(intent, release=False))
    waiting = await payments.only()
    assert waiting.state is MethodState.PENDING_SETUP
    assert waiting.reason is not None
    assert "Try again until" in waiting.reason
    again = f"/v1/setup_intents/{intent}/confirm"
    stripe(payments, again, payment_method="pm_card_visa", return_url="https://example.com")
    await looked_at(payments, read_setup(intent, release=False))
    kept = await payments.only()
    assert (kept.state, kept.reason) == (MethodState.ACTIVE, None)
    assert payments.objects("payment_method")[-1]["customer"] is not None


async def test_a_setup_of_another_customer_is_never_released(payments: Payments) -> None:
    eve = stripe(payments, "/v1/customers", name="Eve")["id"]
    intent = stripe(payments, "/v1/setup_intents", customer=eve)["id"]
    await payments.world.say(payments.account, SetupDeadlinePassed(setup_intent=intent))
    await payments.world.settle()
    assert payments.objects("setup_intent")[0]["status"] == "requires_payment_method"


async def test_a_read_that_is_not_answered_is_taken_again(payments: Payments) -> None:
    await payments.adds()
    await payments.world.settle()
    method = await payments.only()
    stripe(payments, f"/v1/payment_methods/{method.details.reference}/detach")
    payments.world.double.driver.fault("error_500_before", method="GET", path="/v1/payment_methods/")
    await looked_at(payments, read_method(method.details.reference))
    assert (await payments.kept()).methods[method.id].state is MethodState.DETACHED


async def test_a_bank_account_whose_deposits_are_on_their_way_is_not_released_after_an_hour(
    payments: Payments,
) -> None:
    intent = await pending(payments)
    waits = {"type": "verify_with_microdeposits", "verify_with_microdeposits": {}}
    payments.world.double.driver.change(intent, silent=True, next_action=waits)
    await payments.world.say(payments.account, SetupDeadlinePassed(setup_intent=intent))
    await payments.world.settle()
    waiting = await payments.only()
    assert waiting.verifying
    assert payments.objects("setup_intent")[0]["status"] == "requires_action"
    await payments.world.say(payments.account, RemovePaymentMethod(method_id=waiting.id))
    await payments.world.settle()
    assert payments.objects("setup_intent")[0]["status"] == "canceled"


async def test_a_look_does_not_take_back_the_release_that_was_asked_for_before_it(payments: Payments) -> None:
    intent = await pending(payments)
    for wanted in (read_setup(intent, release=True), read_setup(intent, release=False)):
        payload = orjson.dumps(wanted.payload).decode()
        row = (payments.account, uuid7(), wanted.kind, wanted.target, wanted.coalesce, payload, None)
        await effects.add(payments.world.connection, [EffectRow(*row)])
    await payments.world.settle()
    (found,) = payments.objects("setup_intent")
    assert found["status"] == "canceled"
    assert all(one.gone for one in (await payments.kept()).methods.values())
