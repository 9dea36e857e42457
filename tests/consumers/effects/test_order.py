"""Effects of one account at one target run one after another."""

import asyncio
from collections import Counter
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from uuid6 import uuid7

from consumers.performing import Outcome, Postponed, Work
from state.postgres import effects
from state.postgres.effects import EffectRow
from tests.consumers.effects.work import KIND, at_once, long, owe, performed_by
from tests.consumers.effects.world import World, until

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="session")]


async def test_one_after_another_in_the_order_they_were_owed(world: World) -> None:
    account, ran, running = uuid4().hex, list[UUID](), Counter[str]()

    async def noted(work: Work) -> Outcome:
        running[work.effect.account_id] += 1
        assert running[work.effect.account_id] == 1
        ran.append(work.effect.id)
        await asyncio.sleep(0.01)
        running[work.effect.account_id] -= 1
        return await at_once(work)

    owed = [await owe(world, account) for _ in range(6)]
    async with world.member(performed_by(noted)), world.member(performed_by(noted)):
        await until(world.nothing_due)
    assert ran == owed


async def test_the_order_is_that_of_decisions_though_a_worker_with_a_late_clock_named_them(
    world: World,
) -> None:
    account, ran = uuid4().hex, list[UUID]()

    async def noted(work: Work) -> Outcome:
        ran.append(work.effect.id)
        return await at_once(work)

    names = sorted((uuid7() for _ in range(6)), reverse=True)
    rows = [EffectRow(account, name, KIND, "there") for name in names]
    for together in (rows[:1], rows[1:4], rows[4:]):
        await effects.add(world.connection, together)
    listed = await effects.open_of(world.connection, [account])
    assert [row["id"] for row in listed] == names
    async with world.member(performed_by(noted)), world.member(performed_by(noted)):
        await until(world.nothing_due)
    assert ran == names


async def test_other_accounts_and_targets_do_not_wait(world: World) -> None:
    first, second = uuid4().hex, uuid4().hex
    together = asyncio.Barrier(3)

    async def meets(work: Work) -> Outcome:
        await together.wait()
        return await at_once(work)

    await owe(world, first)
    await owe(world, first, target="elsewhere")
    await owe(world, second)
    async with world.member(performed_by(meets)):
        await until(world.nothing_due)


async def test_a_piece_of_work_that_waits_keeps_later_ones_of_its_account_waiting(world: World) -> None:
    account, ran = uuid4().hex, list[UUID]()

    async def first_fails(work: Work) -> Outcome:
        ran.append(work.effect.id)
        return Postponed("not yet", timedelta()) if len(ran) < 3 else await at_once(work)

    first, second = await owe(world, account), await owe(world, account)
    async with world.member(performed_by(first_fails)):
        await until(world.nothing_due)
    assert ran == [first, first, first, second]


async def test_work_that_was_owed_late_with_an_older_id_does_not_run_beside_a_younger_one(
    world: World,
) -> None:
    account, older = uuid4().hex, uuid7()
    started, release = list[Work](), asyncio.Event()

    async def waits(work: Work) -> Outcome:
        started.append(work)
        await release.wait()
        return await at_once(work)

    younger = await owe(world, account)
    async with world.member(performed_by(waits)):
        await until(lambda: long(started, 1))
        row = EffectRow(account, older, KIND, "there")
        await effects.add(world.connection, [row])
        await asyncio.sleep(0.1)
        assert [work.effect.id for work in started] == [younger]
        release.set()
        await until(world.nothing_due)
