"""Whoever lost the lease of an effect writes nothing for it."""

import asyncio
from collections import Counter
from uuid import UUID, uuid4

import pytest

from consumers.effects import EffectsSettings
from consumers.performing import Outcome, Work
from state.postgres import effects
from state.postgres.connection import connect
from tests.consumers.effects.work import at_once, long, owe, performed_by, told
from tests.consumers.effects.world import World, lease, until

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="session")]


async def test_a_long_piece_of_work_keeps_its_lease(world: World) -> None:
    calls = Counter[UUID]()

    async def slowly(work: Work) -> Outcome:
        calls[work.effect.id] += 1
        await asyncio.sleep(2.5)
        return await at_once(work)

    effect_id = await owe(world, uuid4().hex)
    async with world.member(performed_by(slowly), lease(1.5)), world.member(performed_by(slowly)):
        await until(world.nothing_due)
    assert calls == {effect_id: 1}
    assert len(await told(world)) == 1


async def test_work_that_was_taken_over_is_told_once_by_its_new_owner(world: World) -> None:
    hands: list[Work] = []
    release = asyncio.Event()

    async def first_is_stuck(work: Work) -> Outcome:
        hands.append(work)
        if len(hands) == 1:
            await release.wait()
        return await at_once(work)

    await owe(world, uuid4().hex)
    async with world.member(performed_by(first_is_stuck)):
        await until(lambda: long(hands, 1))
        await world.leases_run_out()
        await until(world.nothing_due)
        release.set()
    assert len(hands) == 2
    assert hands[0].worker != hands[1].worker
    assert len(await told(world)) == 1


async def test_a_worker_that_lost_its_lease_may_not_send(world: World) -> None:
    refused: list[str] = []

    async def checks(work: Work) -> Outcome:
        work.until = 0.0
        try:
            work.still_ours(0)
        except effects.LeaseLostError:
            refused.append("lost")
            raise
        return await at_once(work)

    await owe(world, uuid4().hex)
    async with world.member(performed_by(checks)):
        await until(lambda: long(refused, 1))
    assert await told(world) == []


async def test_work_left_by_a_stopping_process_is_taken_up_by_another(world: World) -> None:
    started: list[Work] = []

    async def never(work: Work) -> Outcome:
        started.append(work)
        await asyncio.Event().wait()
        return await at_once(work)

    await owe(world, uuid4().hex)
    impatient = EffectsSettings(poll_seconds=0.02, stop_seconds=0.05)
    async with world.member(performed_by(never), impatient):
        await until(lambda: long(started, 1))
    assert not await world.nothing_due()
    await world.leases_run_out()
    async with world.member(performed_by(at_once)):
        await until(world.nothing_due)
    assert len(await told(world)) == 1


async def test_connections_that_are_cut_cost_nothing_but_time(world: World) -> None:
    cut: list[Work] = []
    other = await connect(world.stack.database_url, name="scissors")

    async def cut_off(work: Work) -> Outcome:
        if not cut:
            cut.append(work)
            await other.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE application_name LIKE 'effects-%' AND datname = current_database()"
            )
        return await at_once(work)

    for _ in range(5):
        await owe(world, uuid4().hex)
    async with world.member(performed_by(cut_off)):
        await until(world.nothing_due)
    await other.close()
    assert len(await told(world)) == 5
