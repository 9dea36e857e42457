"""Work that settles: many changes in a row are one run, at the end of them, and never put off for ever."""

import asyncio
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID, uuid4

import pytest
from uuid6 import uuid7

from consumers.performing import Outcome, Work
from consumers.stripe_notices import Notice, Notices
from consumers.stripe_owed import owe
from state.postgres import effects
from state.postgres.effects import QUIET, EffectRow
from tests.consumers.effects.work import KIND, at_once, long, performed_by
from tests.consumers.effects.world import World, until
from topics.message import Urgency

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="session")]

MINUTE: Final = timedelta(minutes=1)


def asked(account: str, quiet: timedelta | None = MINUTE) -> EffectRow:
    return EffectRow(account, uuid7(), KIND, "there", "key", urgency=Urgency.WEBHOOK, quiet=quiet)


async def times(world: World) -> tuple[datetime, datetime]:
    found = await world.connection.fetchrow("SELECT due_at, settles_until FROM effects WHERE state = 'open'")
    assert found
    return found["due_at"], found["settles_until"]


async def test_a_thousand_changes_in_a_second_are_one_run(world: World) -> None:
    account, ran = uuid4().hex, list[UUID]()

    async def noted(work: Work) -> Outcome:
        ran.append(work.effect.id)
        return await at_once(work)

    async with world.member(performed_by(noted)):
        for _ in range(100):
            await effects.add(world.connection, [asked(account)] * 10)
            await asyncio.sleep(0.01)
        assert ran == []
        await world.quiet()
        await until(world.nothing_due)
    assert len(ran) == 1


async def test_each_that_asks_puts_it_off_but_not_beyond_four_pauses(world: World) -> None:
    account = uuid4().hex
    await effects.add(world.connection, [asked(account)])
    first_due, bound = await times(world)
    assert bound - first_due == 3 * MINUTE
    await effects.add(world.connection, [asked(account)])
    second_due, same = await times(world)
    assert first_due < second_due < bound == same
    await effects.add(world.connection, [asked(account, 60 * MINUTE)])
    assert await times(world) == (bound, bound)


async def test_who_does_not_wait_for_it_to_settle_has_it_run_at_once(world: World) -> None:
    account, ran = uuid4().hex, list[Work]()

    async def noted(work: Work) -> Outcome:
        ran.append(work)
        return await at_once(work)

    await effects.add(world.connection, [asked(account)])
    await effects.add(world.connection, [asked(account, None)])
    await effects.add(world.connection, [asked(account)])
    async with world.member(performed_by(noted)):
        await until(world.nothing_due)
    assert len(ran) == 1


async def test_what_is_asked_for_during_a_run_settles_before_the_next(world: World) -> None:
    account, started, release = uuid4().hex, list[Work](), asyncio.Event()

    async def waits(work: Work) -> Outcome:
        started.append(work)
        await release.wait()
        return await at_once(work)

    await effects.add(world.connection, [asked(account, None)])
    async with world.member(performed_by(waits)):
        await until(lambda: long(started, 1))
        await effects.add(world.connection, [asked(account)])
        due, bound = await times(world)
        release.set()
        await until(lambda: _given_back(world))
    assert len(started) == 1
    assert await times(world) == (due, bound)
    assert await world.connection.fetchval("SELECT due_at > now() FROM effects")


async def _given_back(world: World) -> bool:
    return bool(await world.connection.fetchval("SELECT leased_by IS NULL FROM effects"))


async def test_work_in_backoff_is_tried_soon_when_somebody_asks_again(world: World) -> None:
    account = uuid4().hex
    await effects.add(world.connection, [asked(account, None)])
    await world.connection.execute("UPDATE effects SET due_at = now() + interval '1 hour', attempts = 7")
    await effects.add(world.connection, [asked(account)])
    assert await world.connection.fetchval("SELECT due_at < now() + interval '2 minutes' FROM effects")


async def test_a_sync_settles_unless_somebody_asked_for_it(world: World) -> None:
    changed, requested = uuid4().hex, uuid4().hex
    notices = Notices(
        {changed: Notice(False, None, Urgency.SWEEP), requested: Notice(True, None, Urgency.CUSTOMER)}
    )
    await owe(world.connection, notices, "test")
    rows = await world.connection.fetch(
        "SELECT account_id, urgency, extract(epoch FROM due_at - created_at) AS wait FROM effects"
    )
    assert {(row["account_id"], Urgency(row["urgency"]), float(row["wait"])) for row in rows} == {
        (changed, Urgency.SWEEP, QUIET.total_seconds()),
        (requested, Urgency.CUSTOMER, 0.0),
    }
