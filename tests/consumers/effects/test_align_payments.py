"""A customer's payment side follows the account, and what Stripe knows better is learned, not overwritten."""

import pytest

from handlers.payment_effects import ALIGN_STRIPE
from tests.consumers.effects.payments import Payments
from tests.consumers.effects.stripe_side import stripe, subscribed
from topics.payment_methods import MethodState, ReconcileCollectionMethod

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


@pytest.mark.parametrize("fault", ["timeout_after_effect", "error_500_after_effect", "rate_limit"])
async def test_a_flip_whose_outcome_is_unknown_is_looked_up(payments: Payments, fault: str) -> None:
    await payments.adds()
    await payments.world.settle()
    drifted = await subscribed(payments, collection_method="send_invoice", days_until_due=3)
    payments.world.stripe.timeout = 0.5
    payments.world.double.driver.fault(fault, method="POST", path="/v1/subscriptions/")
    await payments.ask(ReconcileCollectionMethod())
    await payments.world.settle(rounds=40)
    (found,) = payments.objects("subscription")
    assert (found["id"], found["collection_method"]) == (drifted, "charge_automatically")
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
