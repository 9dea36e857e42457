"""An object of tomorrow among others: those are compared, it is told, and what is known of it stays."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest
from prometheus_client import REGISTRY

from consumers.performers.stripe_answers import done
from consumers.sweeps.gauges import DriftGauges
from consumers.sweeps.repair_plan import consequence, repair_of
from handlers.drift import Cause
from handlers.payment_effects import (
    ALIGN_STRIPE,
    READ_METHOD,
    READ_SUBSCRIPTION,
    read_method,
    read_subscription,
)
from handlers.stripe_customers import READ_CUSTOMER
from state.postgres import sweeps
from state.postgres.sweeps import Counts
from state.stripe import payment_methods
from state.stripe.answers import Answer, Done
from state.stripe.client import Caller
from state.stripe.payment_methods import Method
from tests.consumers.effects.stripe_side import stripe, subscribed
from tests.consumers.effects.test_reads import looked_at
from tests.consumers.sweeps.sweeping import Sweeping
from topics.drift import RepairDrift
from topics.payment_methods import MethodState, ReconcileCollectionMethod
from topics.stripe_customers import SyncStripeCustomer
from topics.subscriptions import SubscriptionStatus

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="session")]
ODD = "status a_state_of_tomorrow"
SENDS = {"collection_method": "send_invoice", "days_until_due": 3}


async def subscribed_thrice(sweep: Sweeping) -> tuple[str, str, str]:
    """A card and three subscriptions, all in step."""
    await sweep.payments.adds()
    await sweep.payments.world.settle()
    first, second, third = [await subscribed(sweep.payments) for _ in range(3)]
    await sweep.payments.ask(ReconcileCollectionMethod())
    await sweep.payments.world.settle()
    return first, second, third


def change(sweep: Sweeping, object_id: str, **fields: Any) -> None:
    """At Stripe, and no event tells of it."""
    sweep.payments.world.double.driver.change(object_id, silent=True, **fields)


async def ended_as(sweep: Sweeping, kind: str) -> tuple[str, str | None]:
    """State and reason of the account's newest effect of a kind."""
    rows = await sweep.payments.world.effect_rows(sweep.payments.account)
    row = [one for one in rows if one["kind"] == kind][-1]
    return row["state"], row["last_error"]


async def test_a_subscription_in_an_unknown_state_is_told_and_the_others_are_compared_and_repaired(
    sweep: Sweeping,
) -> None:
    first, odd, third = await subscribed_thrice(sweep)
    change(sweep, odd, status="a_state_of_tomorrow")
    for drifted in (first, third):
        change(sweep, drifted, cancel_at_period_end=True)
    told = (SubscriptionStatus.ACTIVE.value, ODD, Cause.NOT_UNDERSTOOD)
    assert await sweep.found() == {
        f"subscriptions.{odd}": told,
        **{
            f"subscriptions.{one}.mirrored_cancel_at_period_end": ("False", "True", Cause.MISSED_WEBHOOK)
            for one in (first, third)
        },
    }
    (newest,) = await sweeps.newest(sweep.payments.world.connection, 1)
    assert (newest.state, newest.last_error) == ("done", None)
    await sweep.repaired()
    assert await sweep.found() == {f"subscriptions.{odd}": told}
    assert (await sweep.payments.mirrored()).subscriptions[odd].status is SubscriptionStatus.ACTIVE
    (left,) = await sweep.rows()
    assert consequence(left.difference) == "left to a version that knows it"
    assert repair_of([left.difference]) == RepairDrift()
    await DriftGauges(sweep.member.examination.store).report()
    labels = {"processor": "stripe", "part": "subscriptions", "cause": "not_understood"}
    assert REGISTRY.get_sample_value("billing_drift_fields", labels) == 1
    change(sweep, odd, status="active")
    await sweep.member.examination.look(sweep.payments.account, Counts())
    assert await sweep.reported() == {}


async def test_a_card_that_shows_what_can_t_be_is_told_and_stays(sweep: Sweeping) -> None:
    await sweep.payments.adds()
    await sweep.payments.world.settle()
    card, customer = (await sweep.payments.only()).details.reference, (await sweep.payments.customer())["id"]
    attached = stripe(sweep.payments, "/v1/payment_methods/pm_card_mastercard/attach", customer=customer)
    (shown,) = [one for one in sweep.payments.objects("payment_method") if one["id"] == card]
    change(sweep, card, card={**shown["card"], "exp_month": 13})
    assert await sweep.found() == {
        f"payment_methods.{card}": ("active", "exp_month", Cause.NOT_UNDERSTOOD),
        f"payment_methods.{attached['id']}": (None, "attached", Cause.MISSED_WEBHOOK),
    }
    await sweep.repaired()
    assert {one.details.reference: one.state for one in (await sweep.payments.kept()).methods.values()} == {
        card: MethodState.ACTIVE,
        attached["id"]: MethodState.ACTIVE,
    }
    assert set(await sweep.found()) == {f"payment_methods.{card}"}


async def test_an_alignment_brings_what_it_understands_and_tells_support_of_the_rest(sweep: Sweeping) -> None:
    first, odd, third = await subscribed_thrice(sweep)
    change(sweep, odd, status="a_state_of_tomorrow", **SENDS)
    for drifted in (first, third):
        change(sweep, drifted, **SENDS)
    await sweep.payments.ask(ReconcileCollectionMethod())
    await sweep.payments.world.settle()
    collected = {one["id"]: one["collection_method"] for one in sweep.payments.objects("subscription")}
    charged = "charge_automatically"
    assert collected == {first: charged, odd: "send_invoice", third: charged}
    state, reason = await ended_as(sweep, ALIGN_STRIPE)
    assert state == "failed"
    assert f"{odd} is not understood ({ODD})" in str(reason)


async def read_alone(sweep: Sweeping, odd: str) -> None:
    await looked_at(sweep.payments, read_subscription(odd))


async def read_with_its_customer(sweep: Sweeping, odd: str) -> None:
    await sweep.payments.ask(SyncStripeCustomer())
    await sweep.payments.world.settle()


@pytest.mark.parametrize(
    ("read", "kind", "state"),
    [(read_alone, READ_SUBSCRIPTION, "failed"), (read_with_its_customer, READ_CUSTOMER, "done")],
)
async def test_a_reading_ends_and_leaves_what_is_known_of_it(
    sweep: Sweeping, read: Callable[[Sweeping, str], Awaitable[None]], kind: str, state: str
) -> None:
    first, odd, _ = await subscribed_thrice(sweep)
    change(sweep, odd, status="a_state_of_tomorrow")
    change(sweep, first, cancel_at_period_end=True)
    await read(sweep, odd)
    found, reason = await ended_as(sweep, kind)
    assert found == state
    assert (ODD in (reason or "")) is (state == "failed")
    mirrored = (await sweep.payments.mirrored()).subscriptions
    assert mirrored[odd].status is SubscriptionStatus.ACTIVE
    assert mirrored[first].cancel_at_period_end is (kind == READ_CUSTOMER)


async def test_a_reading_of_an_odd_card_ends_and_says_why(sweep: Sweeping) -> None:
    await sweep.payments.adds()
    await sweep.payments.world.settle()
    card = (await sweep.payments.only()).details.reference
    (shown,) = [one for one in sweep.payments.objects("payment_method") if one["id"] == card]
    change(sweep, card, card={**shown["card"], "exp_month": 13})
    await looked_at(sweep.payments, read_method(card))
    state, reason = await ended_as(sweep, READ_METHOD)
    assert (state, "exp_month" in str(reason)) == ("failed", True)
    assert (await sweep.payments.only()).state is MethodState.ACTIVE


async def test_an_odd_card_that_the_customer_s_list_lacks_holds_up_nothing_else_of_it(
    sweep: Sweeping,
) -> None:
    await sweep.payments.adds()
    await sweep.payments.world.settle()
    card, customer = (await sweep.payments.only()).details.reference, (await sweep.payments.customer())["id"]
    (shown,) = [one for one in sweep.payments.objects("payment_method") if one["id"] == card]
    change(sweep, card, card={**shown["card"], "exp_month": 13}, customer=None)
    other = stripe(sweep.payments, "/v1/payment_methods/pm_card_mastercard/attach", customer=customer)["id"]
    await read_with_its_customer(sweep, card)
    assert await ended_as(sweep, READ_CUSTOMER) == ("done", None)
    kept = {one.details.reference: one.state for one in (await sweep.payments.kept()).methods.values()}
    assert kept == {card: MethodState.ACTIVE, other: MethodState.ACTIVE}


async def test_a_card_that_is_kept_and_not_understood_is_declined_for_that_reason(
    sweep: Sweeping, monkeypatch: pytest.MonkeyPatch
) -> None:
    understood = payment_methods.retrieve

    async def odd(ask: Caller, reference: str) -> Answer[Method]:
        found = done(await understood(ask, reference))
        return Done(replace(found, details=None, odd="exp_month"))

    monkeypatch.setattr(payment_methods, "retrieve", odd)
    operation = await sweep.payments.adds()
    await sweep.payments.world.settle()
    outcome, _, answer = await sweep.payments.end(operation)
    assert (outcome, "a form that is not known here" in answer["message"]) == ("refused", True)
