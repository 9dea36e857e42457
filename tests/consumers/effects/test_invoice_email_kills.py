"""A member killed while invoices get an address: it is written once, and never over one that a person gave."""

import pytest

from consumers.sync_effect import SYNC_EFFECT
from handlers.payment_effects import ALIGN_STRIPE, VAULT_PAYPAL
from state.stripe.customers import UPDATE
from tests.consumers.effects.payments import Payments
from tests.consumers.effects.stripe_side import stripe
from tests.consumers.effects.test_invoice_email import at_work, collected, failures, nameless
from tests.consumers.effects.test_kills import killed_at
from topics.payment_methods import MethodKind, RemovePaymentMethod

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="session")]
POINTS = ("payments.email_in_doubt", "payments.email_given", "payments.collection_flipped")


async def unaddressed(payments: Payments) -> tuple[Payments, str]:
    """An account without an e-mail whose agreement is vaulted: its subscription is about to be sent invoices."""
    payer, subscription = await nameless(payments)
    await payer.connects()
    await at_work(payer, VAULT_PAYPAL)
    await at_work(payer, ALIGN_STRIPE, SYNC_EFFECT)
    assert collected(payer, subscription) == "charge_automatically"
    return payer, subscription


async def email(payments: Payments) -> str:
    """What Stripe has."""
    return str((await payments.customer())["email"])


def written(payments: Payments) -> int:
    """How often a customer was written to, by whomever."""
    return len(payments.world.double.asked(UPDATE))


@pytest.mark.parametrize("point", POINTS)
async def test_killed_while_an_address_is_given(payments: Payments, point: str) -> None:
    payer, subscription = await unaddressed(payments)
    before = written(payer)
    await killed_at(payer.world, point, braintree=payer.vault.url)
    await at_work(payer, SYNC_EFFECT)
    assert (await email(payer), collected(payer, subscription)) == ("payer@example.com", "send_invoice")
    assert written(payer) == before + 1
    await payer.world.settle()
    assert await email(payer) == "payer@example.com"
    assert await failures(payer) == []


@pytest.mark.parametrize("point", POINTS)
async def test_an_address_that_a_person_gave_after_the_kill_stays(payments: Payments, point: str) -> None:
    """At Stripe, an alignment gives none where there is one; in the profile, it is the one that is meant."""
    payer, subscription = await unaddressed(payments)
    await killed_at(payer.world, point, braintree=payer.vault.url)
    stripe(payer, f"/v1/customers/{(await payer.customer())['id']}", email="person@example.com")
    before = written(payer)
    await at_work(payer, SYNC_EFFECT)
    assert (await email(payer), collected(payer, subscription)) == ("person@example.com", "send_invoice")
    assert written(payer) == before
    await payer.world.profile(payer.account, billing_email="profile@example.com")
    await payer.world.settle()
    assert await email(payer) == "profile@example.com"


@pytest.mark.parametrize("point", POINTS)
async def test_an_address_taken_back_after_the_kill_is_taken_back_at_stripe(
    payments: Payments, point: str
) -> None:
    """What was known of the customer before is in doubt from before the write, so the sync looks."""
    payer, _ = await unaddressed(payments)
    await killed_at(payer.world, point, braintree=payer.vault.url)
    for method in [
        one for one in (await payer.kept()).methods.values() if one.details.kind is MethodKind.PAYPAL
    ]:
        await payer.ask(RemovePaymentMethod(method_id=method.id))
    await payer.world.settle()
    assert not (await payer.customer())["email"]
