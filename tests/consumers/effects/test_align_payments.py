"""A customer's payment side follows the account, and what Stripe knows better is learned, not overwritten."""

from datetime import UTC, datetime
from typing import Any

import pytest

from consumers.stripe_facts import subscription_observed
from handlers.payment_effects import ALIGN_STRIPE
from state.stripe import customers, subscriptions
from state.stripe.answers import Answer, Refused
from state.stripe.subscriptions import Shown, subscription
from tests.consumers.effects.payments import Payments
from tests.consumers.effects.stripe_side import attached, stripe, subscribed
from topics.observation import Observation
from topics.payment_methods import MethodState, ReconcileCollectionMethod, RemovePaymentMethod

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="session")]
UPDATE = "POST /v1/subscriptions/{subscription_exposed_id}"


async def alignment(payments: Payments) -> tuple[str, str | None]:
    """The state of the last alignment, and why it failed."""
    rows = [row for row in await payments.world.effect_rows(payments.account) if row["kind"] == ALIGN_STRIPE]
    return rows[-1]["state"], rows[-1]["last_error"]


async def test_a_default_that_the_account_does_not_know_is_learned_and_not_taken_away(
    payments: Payments,
) -> None:
    customer = (await payments.customer())["id"]
    card = stripe(payments, "/v1/payment_methods/pm_card_visa/attach", customer=customer)["id"]
    stripe(payments, f"/v1/customers/{customer}", **{"invoice_settings[default_payment_method]": card})
    await payments.ask(ReconcileCollectionMethod())
    await payments.world.settle()
    assert (await payments.customer())["invoice_settings"]["default_payment_method"] == card
    assert (await payments.only()).details.reference == card


async def test_a_default_that_stripe_keeps_no_more_is_learned_and_another_one_takes_its_place(
    payments: Payments,
) -> None:
    await payments.adds()
    await payments.world.settle()
    lost = await payments.only()
    await payments.adds("pm_card_mastercard")
    await payments.world.settle()
    stripe(payments, f"/v1/payment_methods/{lost.details.reference}/detach")
    await payments.ask(ReconcileCollectionMethod())
    await payments.world.settle()
    left = await payments.only()
    assert (await payments.kept()).methods[lost.id].state is MethodState.DETACHED
    default = (await payments.customer())["invoice_settings"]["default_payment_method"]
    assert default == left.details.reference


async def test_at_rest_nothing_is_written(payments: Payments) -> None:
    await payments.adds()
    await payments.world.settle()
    await subscribed(payments)
    before = len(payments.world.double.driver.effects())
    await payments.ask(ReconcileCollectionMethod())
    await payments.world.settle()
    assert len(payments.world.double.driver.effects()) == before
    assert (await alignment(payments))[0] == "done"


async def test_subscriptions_that_are_over_are_left_alone(payments: Payments) -> None:
    await payments.adds()
    await payments.world.settle()
    over = await subscribed(payments, collection_method="send_invoice", days_until_due=3)
    payments.world.double.driver.change(over, silent=True, status="incomplete_expired")
    await payments.ask(ReconcileCollectionMethod())
    await payments.world.settle()
    assert payments.world.double.asked(UPDATE) == []
    assert (await alignment(payments))[0] == "done"


async def two_cards(payments: Payments) -> tuple[str, str]:
    """The account's default and its other card, as Stripe calls them."""
    await payments.adds()
    await payments.world.settle()
    first = await payments.only()
    await payments.adds("pm_card_mastercard")
    await payments.world.settle()
    (other,) = [one for one in (await payments.kept()).methods.values() if one.id != first.id]
    return first.details.reference, other.details.reference


async def method_id(payments: Payments, reference: str) -> str:
    """Our id of a method."""
    found = (await payments.kept()).referred(reference)
    assert found is not None
    return found.id


async def test_a_subscription_with_a_payment_method_of_its_own_follows_the_default(
    payments: Payments,
) -> None:
    default, other = await two_cards(payments)
    pinned = await subscribed(payments, default_payment_method=other)
    await payments.ask(ReconcileCollectionMethod())
    await payments.world.settle()
    (found,) = payments.objects("subscription")
    assert (found["id"], found["default_payment_method"]) == (pinned, None)
    assert (await payments.customer())["invoice_settings"]["default_payment_method"] == default
    assert len(payments.world.double.asked(UPDATE)) == 1


async def test_a_card_that_a_subscription_is_charged_to_is_removed_and_the_default_charged_instead(
    payments: Payments,
) -> None:
    default, other = await two_cards(payments)
    await subscribed(payments, default_payment_method=other)
    (shown,) = payments.objects("subscription")
    seen = Observation(at=datetime.now(UTC).replace(microsecond=0), event_id="evt_1")
    await payments.world.say(payments.account, subscription_observed(subscription(shown), seen))
    gone = await method_id(payments, other)
    await payments.ask(RemovePaymentMethod(method_id=gone))
    await payments.world.settle()
    assert (await payments.kept()).methods[gone].released
    (found,) = payments.objects("subscription")
    assert (found["default_payment_method"], attached(payments)) == (None, [default])


async def test_a_payment_method_of_its_own_is_kept_while_the_default_does_not_stand(
    payments: Payments, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuses(*_: object, **__: object) -> Refused:
        return Refused("The customer can't be changed.", 400)

    _, other = await two_cards(payments)
    customer = (await payments.customer())["id"]
    await subscribed(payments, default_payment_method=other)
    stripe(payments, f"/v1/customers/{customer}", **{"invoice_settings[default_payment_method]": ""})
    monkeypatch.setattr(customers, "choose_default", refuses)
    await payments.ask(ReconcileCollectionMethod())
    await payments.world.settle()
    (found,) = payments.objects("subscription")
    assert found["default_payment_method"] == other
    assert (await alignment(payments))[0] == "failed"


async def test_a_payment_method_of_its_own_that_stripe_leaves_there_is_for_support(
    payments: Payments, monkeypatch: pytest.MonkeyPatch
) -> None:
    takes = subscriptions.collect_by

    async def leaves_it(*given: Any, **fields: Any) -> Answer[Shown]:
        return await takes(*given, **{**fields, "unpin": False})

    _, other = await two_cards(payments)
    await subscribed(payments, default_payment_method=other)
    monkeypatch.setattr(subscriptions, "collect_by", leaves_it)
    await payments.ask(ReconcileCollectionMethod())
    await payments.world.settle()
    state, reason = await alignment(payments)
    assert (state, "leaving the subscription as it was" in (reason or "")) == ("failed", True)
    tried = len(payments.world.double.asked(UPDATE))
    assert tried in (1, 2), "once, and once for what the reading beside it told: not again and again"
    await payments.world.settle()
    assert len(payments.world.double.asked(UPDATE)) == tried


@pytest.mark.parametrize("fault", ["timeout_after_effect", "error_500_after_effect", "rate_limit"])
async def test_a_flip_whose_outcome_is_unknown_is_looked_up(payments: Payments, fault: str) -> None:
    _, other = await two_cards(payments)
    sent = {"collection_method": "send_invoice", "days_until_due": 3}
    drifted = await subscribed(payments, default_payment_method=other, **sent)
    payments.world.stripe.timeout = 0.5
    payments.world.double.driver.fault(fault, method="POST", path="/v1/subscriptions/")
    await payments.ask(ReconcileCollectionMethod())
    await payments.world.settle(rounds=40)
    (found,) = payments.objects("subscription")
    assert (found["id"], found["collection_method"]) == (drifted, "charge_automatically")
    assert found["default_payment_method"] is None
    assert len(payments.world.double.asked(UPDATE)) == (2 if fault == "rate_limit" else 1)


async def test_a_customer_that_is_gone_takes_its_methods_along_and_support_is_told(
    payments: Payments,
) -> None:
    await payments.adds()
    await payments.world.settle()
    payments.world.double.driver.delete((await payments.customer())["id"], silent=True)
    await payments.ask(ReconcileCollectionMethod())
    await payments.world.settle()
    assert [one.state for one in (await payments.kept()).methods.values()] == [MethodState.DETACHED]
    rows = [row for row in await payments.world.effect_rows(payments.account) if row["kind"] == ALIGN_STRIPE]
    assert any("does not exist" in (row["last_error"] or "") for row in rows)
