"""What failed for now is tried again."""

from datetime import timedelta
from uuid import uuid4

import pytest

from consumers.performing import Outcome, Performer, Postponed, Work
from tests.consumers.effects.work import KIND, at_once, long, owe, performed_by, told
from tests.consumers.effects.world import World, until

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="session")]


async def test_a_defect_is_tried_again_and_seen_meanwhile(world: World) -> None:
    account, tries = uuid4().hex, list[Work]()

    async def defective(work: Work) -> Outcome:
        tries.append(work)
        if len(tries) < 3:
            raise ZeroDivisionError("somebody's data")
        return await at_once(work)

    await owe(world, account)
    async with world.member(performed_by(defective)):
        await until(world.nothing_due)
    assert [work.effect.attempts for work in tries] == [1, 2, 3]
    assert len(await told(world)) == 1


async def test_the_last_error_names_the_defect_and_nobodys_data(world: World) -> None:
    async def defective(work: Work) -> Outcome:
        raise ZeroDivisionError("somebody's data")

    account = uuid4().hex
    await owe(world, account)
    async with world.member(performed_by(defective)):
        await world.gone_wrong(account)
    (row,) = await world.effect_rows(account)
    assert row["last_error"] == "ZeroDivisionError in the performer"


async def test_waiting_for_ones_turn_is_no_attempt(world: World) -> None:
    tries = list[int]()

    async def waits(work: Work) -> Outcome:
        tries.append(work.effect.attempts)
        if len(tries) < 4:
            return Postponed("not its turn", timedelta(), counted=False)
        return await at_once(work)

    await owe(world, uuid4().hex)
    async with world.member(performed_by(waits)):
        await until(world.nothing_due)
    assert tries == [1, 1, 1, 1]


async def test_asking_again_does_not_wait_for_the_backoff(world: World) -> None:
    account, tries = uuid4().hex, list[str]()

    async def waits(work: Work) -> Outcome:
        tries.append("tried")
        return Postponed("later", timedelta(days=1)) if len(tries) == 1 else await at_once(work)

    await owe(world, account, coalesce="key")
    async with world.member(performed_by(waits)):
        await until(lambda: long(tries, 1))
        await owe(world, account, coalesce="key")
        await until(world.nothing_due)


async def test_nothing_is_claimed_for_a_performer_that_holds_back(world: World) -> None:
    async def never(work: Work) -> Outcome:
        raise AssertionError("claimed")

    account = uuid4().hex
    await owe(world, account)
    await owe(world, account, target="elsewhere", kind="test.other")
    held = {KIND: Performer(never, lambda: 1.0), "test.other": Performer(at_once)}
    async with world.member(held):
        await until(lambda: _done(world, account))
    assert (await world.effect_rows(account))[0]["attempts"] == 0


async def _done(world: World, account: str) -> bool:
    return any(row["state"] == "done" for row in await world.effect_rows(account))
