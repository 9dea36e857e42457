"""What a repair does not end, or not alone: customers that are gone, and PayPal that is not migrated."""

import pytest

from consumers.sweeps.repair_plan import consequence, repair_of
from handlers.drift import Cause
from state.stripe.answers import Refused
from tests.consumers.effects.paypal import NONCE, OLD, on_the_wrong_customer, taken_over
from tests.consumers.effects.stripe_side import stripe, subscribed
from tests.consumers.sweeps.sweeping import Sweeping
from topics.drift import RepairDrift
from topics.payment_methods import MethodState, ReconcileCollectionMethod
from topics.subscriptions import SubscriptionStatus

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="session")]


async def consequences(sweep: Sweeping) -> list[str]:
    """What the preview says of all that is reported."""
    return [consequence(one.difference) for one in await sweep.rows()]


async def test_a_customer_that_is_gone_takes_its_methods_with_it_once_a_repair_tells(sweep: Sweeping) -> None:
    await sweep.payments.adds()
    await sweep.payments.world.settle()
    card, customer = (await sweep.payments.only()).id, (await sweep.payments.customer())["id"]
    sweep.payments.world.double.driver.delete(customer, silent=True)
    assert await sweep.found() == {"customer": (customer, None, Cause.CHANGED_AT_PROCESSOR)}
    assert await consequences(sweep) == ["told here: its methods end, the account waits for another customer"]
    await sweep.repaired()
    assert (await sweep.payments.kept()).methods[card].state is MethodState.DETACHED
    assert (await sweep.payments.world.sync_state(sweep.payments.account)).state == "failed"
    assert await sweep.reported() == {"customer": (customer, None, Cause.CUSTOMER_DELETED)}
    assert await consequences(sweep) == ["left until the account is linked to another customer"]


async def deleted_with_a_subscription(sweep: Sweeping) -> tuple[str, str]:
    """The customer and its subscription, both gone at Stripe without a word."""
    await sweep.payments.adds()
    await sweep.payments.world.settle()
    customer, subscription = (await sweep.payments.customer())["id"], await subscribed(sweep.payments)
    await sweep.payments.ask(ReconcileCollectionMethod())
    await sweep.payments.world.settle()
    sweep.payments.world.double.driver.delete(customer, silent=True)
    return customer, subscription


async def test_a_subscription_that_went_with_its_customer_is_reported_and_read_by_itself(
    sweep: Sweeping,
) -> None:
    customer, subscription = await deleted_with_a_subscription(sweep)
    assert await sweep.found() == {
        "customer": (customer, None, Cause.CHANGED_AT_PROCESSOR),
        f"subscriptions.{subscription}.status": ("active", None, Cause.MISSED_WEBHOOK),
    }
    await sweep.settled()
    over = (await sweep.payments.mirrored()).subscriptions[subscription]
    assert over.status is SubscriptionStatus.CANCELED
    assert await sweep.reported() == {"customer": (customer, None, Cause.CHANGED_AT_PROCESSOR)}


async def test_of_a_customer_that_stripe_does_not_know_nothing_ends_without_a_person(
    sweep: Sweeping, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As with the keys of another account of ours at Stripe."""
    customer, subscription = await deleted_with_a_subscription(sweep)

    async def unknown(*_: object) -> Refused:
        return Refused("No such customer", 404, "resource_missing")

    monkeypatch.setattr("state.stripe.customers.retrieve", unknown)
    assert await sweep.found() == {
        "customer": (customer, None, Cause.CHANGED_AT_PROCESSOR),
        f"subscriptions.{subscription}.status": ("active", None, Cause.CHANGED_AT_PROCESSOR),
    }
    await sweep.settled()
    assert (await sweep.payments.mirrored()).subscriptions[subscription].live


@pytest.mark.parametrize(("reference", "theirs"), [(OLD, "another customer's"), (NONCE, None)])
async def test_paypal_that_is_not_migrated_is_left_to_the_migration(
    sweep: Sweeping, reference: str, theirs: str | None
) -> None:
    await (on_the_wrong_customer if reference == OLD else taken_over)(sweep.payments, reference)
    await sweep.payments.world.settle()
    found = await sweep.found()
    named = f"nonce_of_{(await sweep.payments.only()).id}" if reference == NONCE else reference
    assert found == {f"agreements.{named}": ("active", theirs, Cause.NOT_MIGRATED)}
    assert await consequences(sweep) == ["left to the PayPal migration"]
    assert repair_of(one.difference for one in await sweep.rows()) == RepairDrift()
    assert (await sweep.payments.only()).details.reference == reference


async def test_paypal_under_a_token_that_is_a_card_s_is_told_and_the_rest_of_the_account_compared(
    sweep: Sweeping,
) -> None:
    payments = sweep.payments
    payments.vault.driver.fill(
        customers=[{"id": "legacy"}],
        methods=[{"token": "c4rd", "customer_id": "legacy", "type": "card"}],
    )
    await taken_over(payments, "c4rd")
    await payments.world.settle()
    stripe(payments, f"/v1/customers/{(await payments.customer())['id']}", name="Eve")
    found = await sweep.found()
    assert found.pop("agreements.c4rd") == ("active", "not PayPal", Cause.NOT_MIGRATED)
    assert {field: theirs for field, (_, theirs, _) in found.items()} == {"name": "Eve"}


async def test_what_was_revoked_below_another_customer_is_learned(sweep: Sweeping) -> None:
    await on_the_wrong_customer(sweep.payments)
    await sweep.payments.world.settle()
    sweep.payments.vault.driver.settings(paused=True)
    sweep.payments.vault.driver.revoke(OLD)
    assert await sweep.found() == {f"agreements.{OLD}": ("active", "revoked", Cause.MISSED_WEBHOOK)}
    await sweep.repaired()
    assert await sweep.found() == {}
