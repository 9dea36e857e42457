"""Invoices are sent to somebody: PayPal flips the subscriptions of an account that names no e-mail as well."""

import asyncio

import pytest

from consumers.performing import Outcome, Performer, Work
from consumers.sync_effect import SYNC_EFFECT
from handlers.payment_effects import ALIGN_STRIPE, VAULT_PAYPAL
from tests.consumers.effects.payments import Payments
from tests.consumers.effects.stripe_side import stripe, subscribed
from topics.payment_methods import ReconcileCollectionMethod, RemovePaymentMethod

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="session")]


async def nameless(payments: Payments) -> tuple[Payments, str]:
    """An account without a profile that has a card and a subscription, and the subscription's id."""
    found = Payments(payments.world, payments.vault, await payments.world.account())
    await found.adds()
    await found.world.settle()
    assert (await found.customer())["email"] is None
    return found, await subscribed(found)


def collected(payments: Payments, subscription: str) -> str:
    """How a subscription is collected at Stripe."""
    (found,) = [one for one in payments.objects("subscription") if one["id"] == subscription]
    return str(found["collection_method"])


async def failures(payments: Payments) -> list[str]:
    """Why alignments failed."""
    rows = await payments.world.effect_rows(payments.account)
    return [row["last_error"] for row in rows if row["kind"] == ALIGN_STRIPE and row["state"] == "failed"]


async def test_a_payer_without_a_profile_is_invoiced_where_paypal_reaches_them(payments: Payments) -> None:
    payer, subscription = await nameless(payments)
    operation = await payer.connects()
    await payer.world.settle()
    assert (await payer.end(operation))[0] == "applied"
    assert collected(payer, subscription) == "send_invoice"
    assert (await payer.customer())["email"] == "payer@example.com"
    assert await failures(payer) == []


async def test_the_address_does_not_outlast_the_agreement(payments: Payments) -> None:
    payer, subscription = await nameless(payments)
    operation = await payer.connects()
    await payer.world.settle()
    method_id = (await payer.end(operation))[2]["id"]
    await payer.ask(RemovePaymentMethod(method_id=method_id))
    await payer.world.settle()
    assert collected(payer, subscription) == "charge_automatically"
    assert not (await payer.customer())["email"]


async def test_what_an_alignment_wrote_is_taken_back_though_the_sync_owed_with_it_never_ran(
    payments: Payments,
) -> None:
    """The second agreement comes and goes between two syncs: the customer shall be what it was known to be."""
    payer, subscription = await nameless(payments)
    for _ in range(2):
        operation = await payer.connects()
        await at_work(payer, VAULT_PAYPAL)
        await at_work(payer, SYNC_EFFECT)
        assert collected(payer, subscription) == "send_invoice"
        assert (await payer.customer())["email"] == "payer@example.com"
        method_id = (await payer.end(operation))[2]["id"]
        await payer.ask(RemovePaymentMethod(method_id=method_id))
        await payer.world.settle()
        assert not (await payer.customer())["email"]


async def at_work(payments: Payments, *held: str) -> None:
    """Perform all but some kinds of work for a while."""
    for _ in range(3):
        never = {kind: Performer(_never, held_for=lambda: 1.0) for kind in held}
        async with payments.world.member(never):
            await asyncio.sleep(0.4)
        await payments.world.relay()


async def _never(_: Work) -> Outcome:
    raise AssertionError("it is held")


async def test_an_address_that_was_taken_away_at_stripe_is_written_before_the_flip(
    payments: Payments,
) -> None:
    payer, subscription = await nameless(payments)
    await payer.connects()
    await payer.world.settle()
    stripe(payer, f"/v1/subscriptions/{subscription}", collection_method="charge_automatically")
    stripe(payer, f"/v1/customers/{(await payer.customer())['id']}", email="")
    await payer.ask(ReconcileCollectionMethod())
    await payer.world.settle()
    assert collected(payer, subscription) == "send_invoice"
    assert (await payer.customer())["email"] == "payer@example.com"


async def test_a_flip_refused_for_want_of_an_email_is_made_up_for_with_the_first(payments: Payments) -> None:
    """PayPal may show no address, and the account may name none: support is told, and a profile ends it."""
    payer, subscription = await nameless(payments)
    await payer.connects(email="")
    await payer.world.settle()
    assert collected(payer, subscription) == "charge_automatically"
    (why,) = await failures(payer)
    assert "Missing email" in why
    await payer.world.profile(payer.account)
    await payer.world.settle()
    assert collected(payer, subscription) == "send_invoice"
    assert (await payer.customer())["email"] == "ada@example.com"
