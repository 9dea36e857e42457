"""A subscription that has a payment method of its own at Stripe: told and ended where it may, no noise where not."""

from typing import Any

import pytest

from handlers.collection_method import DAYS_UNTIL_DUE
from handlers.drift import Cause
from handlers.payment_effects import read_subscription
from tests.consumers.effects.stripe_side import subscribed
from tests.consumers.effects.test_align_payments import two_cards
from tests.consumers.effects.test_reads import looked_at
from tests.consumers.sweeps.sweeping import Sweeping
from topics.payment_methods import CollectionMethod, ReconcileCollectionMethod

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="session")]
CHARGED = CollectionMethod.CHARGE_AUTOMATICALLY.value


async def in_step(sweep: Sweeping, **given: Any) -> str:
    """A subscription that is as it shall be."""
    subscription = await subscribed(sweep.payments, **given)
    await sweep.payments.ask(ReconcileCollectionMethod())
    await sweep.payments.world.settle()
    return subscription


async def test_one_that_is_pinned_is_reported_with_both_values_and_a_repair_ends_it(sweep: Sweeping) -> None:
    _, other = await two_cards(sweep.payments)
    subscription = await in_step(sweep)
    driver = sweep.payments.world.double.driver
    driver.change(subscription, silent=True, default_payment_method=other)
    field = f"subscriptions.{subscription}"
    assert await sweep.found() == {
        f"{field}.collection_method": (
            CHARGED,
            f"{CHARGED}, charged to {other}",
            Cause.CHANGED_AT_PROCESSOR,
        ),
        f"{field}.mirrored_default_payment_method": (None, other, Cause.MISSED_WEBHOOK),
    }
    await sweep.repaired()
    assert await sweep.found() == {}
    (shown,) = sweep.payments.objects("subscription")
    assert shown["default_payment_method"] is None


@pytest.mark.parametrize("status", ["incomplete", "incomplete_expired"])
async def test_of_one_that_stripe_does_not_change_now_nothing_is_said(sweep: Sweeping, status: str) -> None:
    _, other = await two_cards(sweep.payments)
    subscription = await in_step(sweep)
    driver = sweep.payments.world.double.driver
    driver.change(subscription, silent=True, default_payment_method=other, status=status)
    await looked_at(sweep.payments, read_subscription(subscription))
    assert await sweep.found() == {}
    (shown,) = sweep.payments.objects("subscription")
    assert shown["default_payment_method"] == other, "so there was something to be said of it"


async def test_without_a_method_at_stripe_to_follow_it_may_have_its_own(sweep: Sweeping) -> None:
    await sweep.payments.connects()
    await sweep.payments.world.settle()
    subscription = await in_step(sweep, collection_method="send_invoice", days_until_due=DAYS_UNTIL_DUE)
    driver = sweep.payments.world.double.driver
    driver.change(subscription, silent=True, default_payment_method="pm_theirs")
    await looked_at(sweep.payments, read_subscription(subscription))
    (shown,) = sweep.payments.objects("subscription")
    assert (shown["collection_method"], shown["default_payment_method"]) == ("send_invoice", "pm_theirs")
    assert await sweep.found() == {}


async def test_one_whose_invoices_are_sent_is_told_of_while_there_is_a_card_to_follow(
    sweep: Sweeping,
) -> None:
    await sweep.payments.adds()
    await sweep.payments.connects()
    await sweep.payments.world.settle()
    subscription = await in_step(sweep)
    driver = sweep.payments.world.double.driver
    driver.change(subscription, silent=True, default_payment_method="pm_theirs")
    (_, theirs, cause) = (await sweep.found())[f"subscriptions.{subscription}.collection_method"]
    assert (theirs, cause) == ("send_invoice, 7 days, charged to pm_theirs", Cause.CHANGED_AT_PROCESSOR)
    await sweep.repaired()
    assert await sweep.found() == {}
