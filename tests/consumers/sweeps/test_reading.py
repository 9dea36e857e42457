"""A lost webhook ends in the same rows by the next look: what is found twice is read without a person, once."""

import pytest

from consumers.sweeps.reading import reading_of
from handlers.drift import Cause, Difference
from handlers.payment_effects import READ_BRAINTREE, READ_METHOD, READ_SUBSCRIPTION
from state.postgres import repairs, switches
from state.postgres.sweeps import Counts
from tests.consumers.effects.stripe_side import subscribed
from tests.consumers.sweeps.sweeping import Sweeping
from topics.payment_methods import MethodState, ReconcileCollectionMethod
from topics.subscriptions import SubscriptionStatus

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="session")]


async def owed(sweep: Sweeping) -> list[tuple[str, int]]:
    """What is owed and not done: kinds and how urgent."""
    rows = await sweep.payments.world.connection.fetch(
        "SELECT kind, urgency FROM effects WHERE state = 'open' ORDER BY kind"
    )
    return [tuple(row) for row in rows]


async def pays(sweep: Sweeping) -> tuple[str, str, str]:
    """A card, a subscription and PayPal, in step."""
    await sweep.payments.adds()
    await sweep.payments.world.settle()
    card = (await sweep.payments.only()).details.reference
    await sweep.payments.connects()
    await sweep.payments.world.settle()
    (token,) = [one["token"] for one in sweep.payments.vault.driver.methods()]
    subscription = await subscribed(sweep.payments)
    await sweep.payments.ask(ReconcileCollectionMethod())
    await sweep.payments.world.settle()
    assert await sweep.found() == {}
    return card, subscription, token


async def test_lost_webhooks_end_in_the_same_rows_without_a_person(sweep: Sweeping) -> None:
    card, subscription, token = await pays(sweep)
    stripe, vault = sweep.payments.world.double.driver, sweep.payments.vault.driver
    stripe.change(subscription, silent=True, cancel_at_period_end=True)
    vault.settings(paused=True)
    vault.revoke(token)
    shown = next(one for one in sweep.payments.objects("payment_method") if one["id"] == card)
    stripe.change(card, silent=True, card={**shown["card"], "exp_year": 2041})
    look = sweep.member.examination.look
    await look(sweep.payments.account, Counts())
    assert await owed(sweep) == [], "what was found once may be a webhook on its way"
    await look(sweep.payments.account, Counts())
    assert len(await sweep.reported()) == 3
    assert await owed(sweep) == [(READ_BRAINTREE, 2), (READ_METHOD, 2), (READ_SUBSCRIPTION, 2)]
    assert all(
        one.read_asked_at for one in await sweep.rows() if one.difference.cause == Cause.MISSED_WEBHOOK
    )
    await sweep.settled()
    methods = await sweep.payments.kept()
    assert methods.methods[token].state is MethodState.REVOKED
    kept = methods.referred(card)
    assert kept
    assert kept.details.exp_year == 2041
    mirror = (await sweep.payments.mirrored()).subscriptions[subscription]
    assert (mirror.cancel_at_period_end, mirror.status) == (True, SubscriptionStatus.ACTIVE)
    assert await sweep.found() == {}
    history = await sweep.payments.world.connection.fetch("SELECT closed_at, repair FROM drift")
    assert history
    assert all(row["closed_at"] and row["repair"] is None for row in history)


async def test_a_difference_that_stays_is_read_once_and_waits_for_a_person(sweep: Sweeping) -> None:
    _, subscription, _ = await pays(sweep)
    sweep.payments.world.double.driver.change(subscription, silent=True, cancel_at_period_end=True)
    assert len(await sweep.found()) == 1
    connection = sweep.payments.world.connection
    for _ in range(2):
        await connection.execute("DELETE FROM effects WHERE state = 'open'")
        await connection.execute("DELETE FROM drift_suspects")
        await connection.execute("UPDATE drift SET seen_at = now() - interval '1 day'")
        await sweep.again()
        assert len(await sweep.reported()) == 1
        assert await owed(sweep) == []


async def test_nothing_is_read_by_itself_while_repairs_are_stopped(sweep: Sweeping) -> None:
    _, subscription, _ = await pays(sweep)
    connection = sweep.payments.world.connection
    await switches.switch(connection, repairs.SWITCH, off=True, by="test", reason="a test")
    sweep.payments.world.double.driver.change(subscription, silent=True, cancel_at_period_end=True)
    assert len(await sweep.found()) == 1
    assert await owed(sweep) == []
    await switches.switch(connection, repairs.SWITCH, off=False, by="test", reason="a test")
    await connection.execute("UPDATE drift SET seen_at = now() - interval '1 day'")
    await sweep.again()
    assert await owed(sweep) == [(READ_SUBSCRIPTION, 2)]


@pytest.mark.parametrize(
    "left",
    [
        Difference("stripe", "name", "Ada", "Eve", Cause.CHANGED_AT_PROCESSOR),
        Difference("stripe", "payment_methods.pm_1", "detached", "attached", Cause.CHANGED_AT_PROCESSOR),
        Difference("stripe", "payment_methods.pm_1", "active", None, Cause.MERGED),
        Difference("stripe", "subscriptions.sub_1.collection_method", "a", "b", Cause.CHANGED_AT_PROCESSOR),
        Difference("braintree", "agreements.t", "active", "another customer's", Cause.NOT_MIGRATED),
        Difference("braintree", "agreements.t", "active", None, Cause.MISSED_WEBHOOK),
    ],
)
async def test_what_is_ours_or_nobody_tells_of_waits_for_a_person(left: Difference) -> None:
    assert reading_of(left) is None
