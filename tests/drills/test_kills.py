"""A process may be killed between any two of its steps."""

from pathlib import Path

import pytest

from tests.drills.arena import arena
from tests.drills.crash_points import RARE, crash_points, dealt, passings
from tests.drills.servers import Servers

pytestmark = [pytest.mark.asyncio, pytest.mark.stack, pytest.mark.drill, pytest.mark.timeout(600)]


ONCE_AN_ACCOUNT = (
    "stripe.reserved",
    "stripe.made",
    "stripe.made_noted",
    "stripe.reservation_closed",
)
"""Passed while customers are made, so they are tried first."""


async def test_workers_and_relays_are_killed_at_every_point(
    drill_servers: Servers, folder: Path, seed: int
) -> None:
    async with arena(drill_servers, folder, seed, 2000, registered_again=0.3) as drill:
        lanes = [drill.worker(name, name) for name in ("commands", "facts", "bulk")]
        relay = drill.worker("relay", "relay")
        await drill.fleet.ready()
        await drill.register()
        for unit, points in zip(lanes, dealt(passings(crash_points("loop"), drill.rng), 3), strict=True):
            unit.arm(points)
        relay.arm(passings(crash_points("relay"), drill.rng))
        await drill.publish_until(lambda: all(unit.tried for unit in (*lanes, relay)))
        await drill.publish_rest()
        await drill.judge()
        killed = {point.partition(":")[0] for unit in (*lanes, relay) for point in unit.died_at}
        assert killed >= {*crash_points("loop"), *crash_points("relay")}


async def test_effects_and_the_reconciler_are_killed_at_every_point(
    drill_servers: Servers, folder: Path, seed: int
) -> None:
    async with arena(drill_servers, folder, seed, 2000, accounts=400, stripe=True) as drill:
        drill.worker("lanes", "commands", "facts", "bulk", "relay")
        effects = [drill.worker(name, "effects") for name in ("effects-1", "effects-2")]
        reconciler = drill.worker("reconciler", "reconciler")
        await drill.fleet.ready()
        await drill.register()
        await drill_servers.break_stripe(
            {"kind": "error_500_stored", "method": "POST", "path": "^/v1/customers$", "probability": 0.2},
            {"kind": "reset_before", "probability": 0.03},
        )
        others = [*crash_points("effects"), *crash_points("stripe")]
        others = [name for name in others if name not in (*ONCE_AN_ACCOUNT, *RARE)]
        performed = [*passings(ONCE_AN_ACCOUNT, drill.rng, most=1), *passings(others, drill.rng)]
        for unit, points in zip(effects, dealt(performed, 2), strict=True):
            unit.arm(points)
        reconciler.arm(passings(crash_points("reconciler"), drill.rng))
        units = (*effects, reconciler)
        await drill.publish_until(lambda: all(unit.tried for unit in units))
        await drill_servers.mend_stripe()
        await drill.publish_rest()
        await drill.judge()
        killed = {point.partition(":")[0] for unit in units for point in unit.died_at}
        assert killed >= {*ONCE_AN_ACCOUNT, *others, *crash_points("reconciler")}
