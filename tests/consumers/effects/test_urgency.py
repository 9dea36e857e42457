"""Whose turn it is: what somebody waits for passes what nobody waits for, in claims and at the processors."""

import asyncio
from datetime import timedelta
from typing import Final
from uuid import UUID, uuid4

import pytest
from uuid6 import uuid7

from consumers.effects import EffectsSettings
from consumers.performers import braintree_answers, stripe_answers
from consumers.performing import Outcome, Work
from state.postgres import effects
from state.postgres.effects import Effect, EffectRow
from state.redis.budget import Priority
from tests.consumers.effects.work import KIND, at_once, long, performed_by
from tests.consumers.effects.world import World, until
from topics.message import Urgency

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="session")]

FOUR: Final = EffectsSettings(concurrency=4, poll_seconds=0.02, gauge_seconds=0.2)
MINUTE: Final = timedelta(minutes=1)


def row(urgency: Urgency, account: str | None = None, coalesce: str | None = None) -> EffectRow:
    return EffectRow(account or uuid4().hex, uuid7(), KIND, "there", coalesce, urgency=urgency)


async def claimed(world: World, *, limit: int = 10, unawaited: int = 10) -> list[Effect]:
    return await effects.claim(
        world.connection,
        worker=uuid4().hex,
        kinds=[KIND],
        lease=timedelta(seconds=60),
        limit=limit,
        unawaited=unawaited,
    )


async def test_the_most_urgent_are_claimed_first_whenever_they_were_owed(world: World) -> None:
    owed = [row(one) for one in (Urgency.SWEEP, Urgency.WEBHOOK, Urgency.CUSTOMER)]
    for one in owed:
        await effects.add(world.connection, [one])
    found = [(await claimed(world, limit=1))[0] for _ in owed]
    assert [one.id for one in found] == [one.id for one in reversed(owed)]
    assert [one.urgency for one in found] == [Urgency.CUSTOMER, Urgency.WEBHOOK, Urgency.SWEEP]


async def test_no_more_than_the_given_number_of_a_claim_is_such_as_nobody_waits_for(world: World) -> None:
    await effects.add(world.connection, [row(Urgency.SWEEP) for _ in range(5)])
    assert await claimed(world, unawaited=0) == []
    assert len(await claimed(world, unawaited=3)) == 3


async def test_a_customer_does_not_wait_until_a_thousand_others_had_their_turn(world: World) -> None:
    started, release = list[UUID](), asyncio.Event()

    async def waits(work: Work) -> Outcome:
        started.append(work.effect.id)
        if work.effect.urgency is Urgency.SWEEP:
            await release.wait()  # before a limit of the processor
        return await at_once(work)

    await effects.add(world.connection, [row(Urgency.SWEEP) for _ in range(20)])
    async with world.member(performed_by(waits), FOUR):
        await until(lambda: long(started, 3))
        asked = row(Urgency.CUSTOMER)
        await effects.add(world.connection, [asked])
        await until(lambda: long(started, 4))
        assert started[3] == asked.id
        release.set()
        await until(world.nothing_due)
    assert len(started) == 21


async def test_what_stands_before_a_customer_has_the_customers_turn(world: World) -> None:
    others, ahead = row(Urgency.SWEEP), row(Urgency.SWEEP)._replace(quiet=MINUTE)
    asked = row(Urgency.CUSTOMER, ahead.account_id)
    await effects.add(world.connection, [others, ahead])
    await effects.add(world.connection, [asked])
    (first,) = await claimed(world, unawaited=0)
    assert (first.id, first.urgency) == (ahead.id, Urgency.CUSTOMER)
    (untouched,) = await claimed(world)
    assert (untouched.id, untouched.urgency) == (others.id, Urgency.SWEEP)


async def test_work_in_backoff_before_a_customer_is_not_tried_sooner(world: World) -> None:
    ahead = row(Urgency.SWEEP)
    await effects.add(world.connection, [ahead])
    await claimed(world)
    later = "now() + interval '1 hour'"
    await world.connection.execute(f"UPDATE effects SET due_at = {later}, leased_until = NULL")
    await effects.add(world.connection, [row(Urgency.CUSTOMER, ahead.account_id)])
    assert await claimed(world) == []


@pytest.mark.parametrize("asked", [(Urgency.SWEEP, Urgency.CUSTOMER), (Urgency.CUSTOMER, Urgency.SWEEP)])
async def test_work_asked_for_by_several_is_as_urgent_as_the_most_urgent_of_them(
    world: World, asked: tuple[Urgency, Urgency]
) -> None:
    account, together = uuid4().hex, uuid4().hex
    for one in asked:
        await effects.add(world.connection, [row(one, account, "key")])
    await effects.add(world.connection, [row(one, together, "key") for one in asked])
    found = await claimed(world, unawaited=0)
    assert {(one.account_id, one.urgency) for one in found} == {
        (account, Urgency.CUSTOMER),
        (together, Urgency.CUSTOMER),
    }


@pytest.mark.parametrize("urgency", Urgency)
async def test_a_processor_is_asked_with_the_priority_of_the_work(world: World, urgency: Urgency) -> None:
    await effects.add(world.connection, [row(urgency)])
    (effect,) = await claimed(world)
    work = Work(effect, "test", None, 0.0)  # type: ignore[arg-type]
    wanted = Priority[urgency.name]
    assert stripe_answers.caller(world.stripe, work).priority is wanted
    assert braintree_answers.caller(world.braintree, work).priority is wanted
