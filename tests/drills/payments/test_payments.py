"""Payers and a world behind our back, while everything that payments pass through is killed and late."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from tests.drills.arena import Arena, arena
from tests.drills.breakages import break_stripe, stop_redis
from tests.drills.complaint import Complaint, report
from tests.drills.crash_points import RARE, crash_points, dealt, passings
from tests.drills.fleet_under_test import Unit
from tests.drills.payments.breakages import answer_late_at_braintree, storm_of_429
from tests.drills.payments.company import company
from tests.drills.payments.judging import judged
from tests.drills.servers import Servers

pytestmark = [pytest.mark.asyncio, pytest.mark.stack, pytest.mark.drill, pytest.mark.timeout(600)]

PAYERS, AT_ONCE = 48, 12
SECONDS: Final = 35.0
"""After which what was not passed yet is left to the long drill and to the tests of each point."""
SELDOM: Final = ("payments.setup_cancelled", "braintree.default_made", "braintree.deleted")


async def test_every_method_is_kept_once_and_every_subscription_collected_as_it_shall_be(
    drill_servers: Servers, folder: Path, seed: int
) -> None:
    async with arena(drill_servers, folder, seed, 60, stripe=True) as drill:
        drill.worker("lanes", "commands", "facts", "bulk", "relay", "reconciler")
        effects = [drill.worker(name, "effects") for name in ("effects-1", "effects-2")]
        webhooks = drill.worker("webhooks-1", "webhooks")
        sweeps = drill.worker("sweeps-1", "sweeps", SWEEP_EVERY_HOURS="0.002", SWEEP_RECENT_SECONDS="1")
        dashboard = drill.entry_point("dashboard", "dashboard")
        await drill.fleet.ready()
        await drill.register()
        found = await company(drill, PAYERS, [dashboard])
        async with found.at_work(AT_ONCE):
            _arm(drill, effects, webhooks, sweeps)
            await _tried(lambda: all(unit.tried for unit in (*effects, webhooks, sweeps)), drill)
        for unit in (*effects, webhooks, sweeps):
            unit.disarm()
        await drill.publish_rest()
        complaints, figures = await judged(found)
        print(figures)
        complaints += await _rest(drill, found.behind.at.secrets)
        assert not complaints, f"{report(seed, complaints)}\nlogs: {drill.fleet.folder}"
        killed = {point for unit in drill.fleet.units.values() for point in unit.died_at}
        assert killed - {"killed"}


def _arm(drill: Arena, effects: list[Unit], webhooks: Unit, sweeps: Unit) -> None:
    """What is passed often comes first, so that nobody waits for what is passed once in a while."""
    names = [*crash_points("payments"), *crash_points("braintree")]
    often = [name for name in names if name not in (*SELDOM, *RARE)]
    points = [*passings(often, drill.rng, most=1), *passings(SELDOM, drill.rng, most=1)]
    for unit, hand in zip(effects, dealt(points, 2), strict=True):
        unit.arm(hand)
    webhooks.arm(passings(crash_points("webhooks"), drill.rng))
    sweeps.arm(passings([name for name in crash_points("sweeps") if name not in RARE], drill.rng))


async def _tried(done: Callable[[], bool], drill: Arena) -> None:
    """Break the servers in turn until everything was killed at its points, or it took too long."""
    began = time.monotonic()
    for breakage in (storm_of_429, break_stripe, answer_late_at_braintree, stop_redis):
        await asyncio.sleep(drill.rng.uniform(1, 3))
        await breakage(drill)
    while not done() and time.monotonic() - began < SECONDS:
        await asyncio.sleep(0.2)


async def _rest(drill: Arena, secrets: set[str]) -> list[Complaint]:
    findings, complaints = await drill.stopped_and_judged(secrets)
    assert findings.messages
    return complaints
