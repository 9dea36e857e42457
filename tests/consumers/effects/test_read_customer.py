"""What a customer pays with at Stripe is known after a link, a forced sync and a reconciliation, whoever made it."""

import pytest

from consumers.performers.stripe_align import UNKNOWN
from handlers.payment_effects import ALIGN_STRIPE
from handlers.payment_method import default_of
from handlers.stripe_customers import READ_CUSTOMER
from state.stripe.answers import Refused
from tests.consumers.effects.payments import Payments
from tests.consumers.effects.stripe_side import stripe
from tests.consumers.effects.test_kills import killed_at
from topics.message import Message
from topics.payment_methods import MethodState, ReconcileCollectionMethod
from topics.stripe_customers import LinkStripeCustomer, SyncStripeCustomer
from topics.subscriptions import SubscriptionStatus

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="session")]
ASKED = pytest.mark.parametrize(
    "command", [SyncStripeCustomer(), ReconcileCollectionMethod()], ids=["sync", "reconcile"]
)


def kept_by(payments: Payments, customer: str, *names: str) -> list[str]:
    """Cards that somebody attaches to a customer; the last one is its default."""
    cards = [
        str(stripe(payments, f"/v1/payment_methods/{name}/attach", customer=customer)["id"]) for name in names
    ]
    stripe(payments, f"/v1/customers/{customer}", **{"invoice_settings[default_payment_method]": cards[-1]})
    return cards


def subscribed(payments: Payments, customer: str) -> str:
    """A subscription that somebody made for a customer."""
    recurring = {"currency": "usd", "unit_amount": 2000, "recurring[interval]": "month"}
    price = stripe(payments, "/v1/prices", **recurring, **{"product_data[name]": "Pro"})["id"]
    made = stripe(payments, "/v1/subscriptions", customer=customer, **{"items[0][price]": price})
    return str(made["id"])


async def active(payments: Payments) -> set[str]:
    """What the account pays with, as Stripe calls it."""
    methods = (await payments.kept()).methods.values()
    return {one.details.reference for one in methods if one.state is MethodState.ACTIVE}


async def link(payments: Payments, customer: str, *, before: str | None = None) -> None:
    """Support links the account; nothing is performed yet."""
    command = LinkStripeCustomer(customer_id=customer, expected_customer_id=before)
    await payments.world.say(payments.account, command)


@pytest.mark.parametrize("known", [True, False], ids=["relinked", "never linked before"])
async def test_all_that_a_linked_customer_has_becomes_the_account_s(payments: Payments, known: bool) -> None:
    if not known:
        payments = Payments(payments.world, payments.vault, await payments.world.account())
    customer = str(stripe(payments, "/v1/customers", name="Ada elsewhere")["id"])
    cards = kept_by(payments, customer, *["pm_card_visa"] * 101)
    subscription = subscribed(payments, customer)
    before = (await payments.world.link(payments.account)).customer_id
    await link(payments, customer, before=before)
    await payments.world.settle()
    assert await active(payments) == set(cards)
    assert (await payments.mirrored()).subscriptions[subscription].status is SubscriptionStatus.ACTIVE
    charged = default_of(await payments.kept())
    assert charged is not None
    assert charged.details.reference == cards[-1], "it goes on being charged as it was"
    there = next(one for one in payments.objects("customer") if one["id"] == customer)
    assert there["invoice_settings"]["default_payment_method"] == cards[-1]


@ASKED
async def test_a_card_that_no_webhook_told_of_is_learned(payments: Payments, command: Message) -> None:
    await payments.adds(default=True)
    await payments.world.settle()
    (own,) = await active(payments)
    cards = kept_by(payments, (await payments.customer())["id"], "pm_card_mastercard", "pm_card_visa")
    await payments.ask(command)
    await payments.world.settle()
    assert await active(payments) == {own, *cards}
    default = (await payments.customer())["invoice_settings"]["default_payment_method"]
    assert default == own, "which is charged first is the account's to choose"


@ASKED
async def test_a_card_that_went_without_a_word_is_over(payments: Payments, command: Message) -> None:
    await payments.adds()
    await payments.world.settle()
    await payments.adds("pm_card_mastercard")
    await payments.world.settle()
    lost = next(one for one in (await payments.kept()).methods.values() if not one.default)
    stripe(payments, f"/v1/payment_methods/{lost.details.reference}/detach")
    await payments.ask(command)
    await payments.world.settle()
    assert (await payments.kept()).methods[lost.id].state is MethodState.DETACHED


async def test_what_a_shared_customer_has_is_known_to_each_and_nothing_of_it_is_changed(
    payments: Payments,
) -> None:
    customer = (await payments.customer())["id"]
    cards = kept_by(payments, customer, "pm_card_visa", "pm_card_mastercard")
    other = Payments(payments.world, payments.vault, await payments.world.account())
    await link(other, customer)
    await payments.world.settle()
    assert await active(other) == set(cards)
    default = (await payments.customer())["invoice_settings"]["default_payment_method"]
    assert default == cards[-1]


async def test_a_customer_that_is_gone_is_told_by_a_sync(payments: Payments) -> None:
    await payments.adds()
    await payments.world.settle()
    payments.world.double.driver.delete((await payments.customer())["id"], silent=True)
    await payments.ask(SyncStripeCustomer())
    await payments.world.settle()
    assert [one.state for one in (await payments.kept()).methods.values()] == [MethodState.DETACHED]
    assert (await payments.world.link(payments.account)).gone


@ASKED
async def test_with_a_customer_that_is_gone_its_subscriptions_end(
    payments: Payments, command: Message
) -> None:
    await payments.adds()
    await payments.world.settle()
    customer = (await payments.customer())["id"]
    subscription = subscribed(payments, customer)
    await payments.ask(ReconcileCollectionMethod())
    await payments.world.settle()
    assert (await payments.mirrored()).subscriptions[subscription].live
    payments.world.double.driver.delete(customer, silent=True)
    await payments.ask(command)
    await payments.world.settle()
    over = (await payments.mirrored()).subscriptions[subscription]
    assert (over.status, over.ended_at is not None) == (SubscriptionStatus.CANCELED, True)


@ASKED
async def test_of_a_customer_that_stripe_does_not_know_nothing_ends(
    payments: Payments, command: Message, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As with the key of another account of ours at Stripe: what was ended then, would stay so with the right one."""
    await payments.adds()
    await payments.world.settle()
    customer = (await payments.customer())["id"]
    subscription = subscribed(payments, customer)
    await payments.ask(ReconcileCollectionMethod())
    await payments.world.settle()
    before = {kind: await ends(payments, kind) for kind in (READ_CUSTOMER, ALIGN_STRIPE)}

    async def unknown(*_: object) -> Refused:
        return Refused("No such customer", 404, "resource_missing")

    with monkeypatch.context() as elsewhere:
        elsewhere.setattr("state.stripe.customers.retrieve", unknown)
        await payments.ask(command)
        await payments.ask(ReconcileCollectionMethod())
        await payments.world.settle()
    assert [one.state for one in (await payments.kept()).methods.values()] == [MethodState.ACTIVE]
    assert (await payments.mirrored()).subscriptions[subscription].live
    assert not (await payments.world.link(payments.account)).gone
    for kind, earlier in before.items():
        ended = (await ends(payments, kind))[len(earlier) :]
        assert set(ended) == {("failed", UNKNOWN)}, kind


async def ends(payments: Payments, kind: str) -> list[tuple[str, str | None]]:
    """State and reason of each effect of a kind."""
    rows = await payments.world.effect_rows(payments.account)
    return [(row["state"], row["last_error"]) for row in rows if row["kind"] == kind]


async def test_looks_that_are_owed_at_once_are_taken_once(payments: Payments) -> None:
    for command in (SyncStripeCustomer(), ReconcileCollectionMethod(), SyncStripeCustomer()):
        await payments.ask(command)
    rows = [one for one in await payments.world.effect_rows(payments.account) if one["kind"] == READ_CUSTOMER]
    assert [row["state"] for row in rows] == ["open"]


@pytest.mark.parametrize(
    "point",
    ["effects.claimed", "payments.customer_read", "effects.performed", "effects.before_commit"],
)
async def test_killed_while_a_linked_customer_is_read(payments: Payments, point: str) -> None:
    customer = str(stripe(payments, "/v1/customers", name="Ada elsewhere")["id"])
    cards = kept_by(payments, customer, "pm_card_visa", "pm_card_mastercard")
    before = (await payments.world.link(payments.account)).customer_id
    await link(payments, customer, before=before)
    await killed_at(payments.world, point)
    await payments.world.settle()
    assert await active(payments) == set(cards)
    rows = [one for one in (await payments.kept()).methods.values() if not one.gone]
    assert len(rows) == len(cards)
