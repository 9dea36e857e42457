"""Another customer at Stripe for an account whose pages and payments are under way."""

import pytest

from tests.consumers.effects.payments import Payments
from tests.consumers.effects.stripe_side import attached, stripe, subscribed
from tests.consumers.effects.test_payment_kills import revoked
from topics.payment_methods import (
    MethodState,
    ReconcileCollectionMethod,
    SetupDeadlinePassed,
    StartPaymentMethodSetup,
)
from topics.stripe_customers import LinkStripeCustomer

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="session")]


async def relinked(payments: Payments, there: str) -> None:
    """Support links the account to another customer; nothing is performed yet."""
    before = (await payments.world.link(payments.account)).customer_id
    link = LinkStripeCustomer(customer_id=there, expected_customer_id=before)
    await payments.world.say(payments.account, link)


def another(payments: Payments) -> str:
    """Another customer, made by somebody else."""
    return str(stripe(payments, "/v1/customers", name="Ada elsewhere")["id"])


def statuses(payments: Payments) -> dict[str, str]:
    """Of all setups."""
    return {one["id"]: one["status"] for one in payments.objects("setup_intent")}


async def test_a_page_s_setup_is_cancelled_at_the_former_customer(payments: Payments) -> None:
    await payments.ask(StartPaymentMethodSetup())
    await payments.world.settle()
    await relinked(payments, another(payments))
    await payments.world.settle()
    assert list(statuses(payments).values()) == ["canceled"]


async def test_an_authentication_is_cancelled_at_the_former_customer_and_its_method_is_over(
    payments: Payments,
) -> None:
    await payments.adds("pm_card_threeDSecure2Required")
    await payments.world.settle()
    assert (await payments.only()).state is MethodState.PENDING_SETUP
    await relinked(payments, another(payments))
    await payments.world.settle()
    assert list(statuses(payments).values()) == ["canceled"]
    assert all(one.gone for one in (await payments.kept()).methods.values())


async def test_what_is_asked_for_before_a_link_and_performed_after_it_is_the_new_customer_s(
    payments: Payments,
) -> None:
    there = another(payments)
    page = await payments.ask(StartPaymentMethodSetup())
    await payments.adds()
    await relinked(payments, there)
    await payments.world.settle()
    assert (await payments.end(page))[0] == "applied"
    assert {one["customer"] for one in payments.objects("setup_intent")} == {there}
    assert attached(payments) == [(await payments.only()).details.reference]


async def test_linking_there_and_back_at_once_leaves_no_setup_open(payments: Payments) -> None:
    here = (await payments.world.link(payments.account)).customer_id or (await payments.customer())["id"]
    await payments.ask(StartPaymentMethodSetup())
    await payments.world.settle()
    there = another(payments)
    await relinked(payments, there)
    await relinked(payments, str(here))
    await payments.world.settle()
    assert list(statuses(payments).values()) == ["canceled"]


async def test_the_new_customer_s_subscriptions_are_collected_as_the_account_pays(payments: Payments) -> None:
    await payments.connects()
    await payments.world.settle()
    there = another(payments)
    recurring = {"currency": "usd", "unit_amount": 2000, "recurring[interval]": "month"}
    price = stripe(payments, "/v1/prices", **recurring, **{"product_data[name]": "Pro"})["id"]
    card = stripe(payments, "/v1/payment_methods/pm_card_visa/attach", customer=there)["id"]
    stripe(
        payments,
        "/v1/subscriptions",
        customer=there,
        default_payment_method=card,
        **{"items[0][price]": price},
    )
    await relinked(payments, there)
    await payments.world.settle()
    (found,) = payments.objects("subscription")
    assert found["collection_method"] == "send_invoice"


async def test_a_setup_of_an_account_that_shares_its_customer_is_released_at_its_deadline(
    payments: Payments,
) -> None:
    await payments.adds("pm_card_threeDSecure2Required")
    await payments.world.settle()
    intent = (await payments.only()).setup_intent
    assert intent is not None
    other = await payments.world.account()
    await payments.world.say(other, LinkStripeCustomer(customer_id=(await payments.customer())["id"]))
    await payments.world.settle()
    await payments.world.say(payments.account, SetupDeadlinePassed(setup_intent=intent))
    await payments.world.settle()
    assert statuses(payments) == {intent: "canceled"}
    assert all(one.gone for one in (await payments.kept()).methods.values())


async def test_whoever_keeps_a_shared_customer_in_the_end_has_its_subscriptions_brought_in_line(
    payments: Payments,
) -> None:
    await payments.adds()
    await payments.world.settle()
    subscription = await subscribed(payments)
    paypal = await payments.connects()
    await payments.ask(ReconcileCollectionMethod())
    await payments.world.settle()
    other = Payments(payments.world, payments.vault, await payments.world.account())
    await relinked(other, (await payments.customer())["id"])
    await payments.world.settle()
    await payments.world.say(payments.account, revoked((await payments.end(paypal))[2]["id"]))
    await payments.world.settle()
    assert collected(payments, subscription) == "send_invoice", "nothing is written while it is shared"
    await relinked(other, another(payments))
    await payments.world.settle()
    assert collected(payments, subscription) == "charge_automatically"


def collected(payments: Payments, subscription: str) -> str:
    """How Stripe collects a subscription."""
    found = next(one for one in payments.objects("subscription") if one["id"] == subscription)
    return str(found["collection_method"])
