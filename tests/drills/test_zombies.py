"""A process that was stopped for longer than its session comes back and thinks that nothing happened."""

import asyncio
from pathlib import Path

import pytest

from tests.drills.arena import arena
from tests.drills.fleet_under_test import Unit
from tests.drills.servers import Servers

pytestmark = [pytest.mark.asyncio, pytest.mark.stack, pytest.mark.drill, pytest.mark.timeout(600)]

STOPPED_AT = {
    "commands-before": ("commands", "loop.before_commit:2"),
    "commands-after": ("commands", "loop.committed:2"),
    "commands-filtered": ("commands", "loop.filtered:2"),
    "bulk-locked": ("bulk", "loop.locked:2"),
    "effects-in-doubt": ("effects", "stripe.in_doubt:3"),
    "effects-made": ("effects", "stripe.made:3"),
}
NOT_BEGUN = "commands-filtered"
"""Stopped with a batch in its hands and no transaction begun: only the fence stands between it and the state."""
LONGER_THAN_ANYTHING_LASTS = 18.0
"""A session, a stopped transaction, a lease."""


def fenced(unit: Unit) -> float:
    """How many batches of a partition were refused to this process, over its lives."""
    counted = [*unit.gone.items(), *unit.latest.items()]
    return sum(value for series, value in counted if series.startswith("billing_fence_rejections_total"))


async def test_a_worker_that_was_stopped_in_the_middle_changes_nothing_when_it_comes_back(
    drill_servers: Servers, folder: Path, seed: int
) -> None:
    async with arena(drill_servers, folder, seed, 2000, stripe=True) as drill:
        drill.worker("others", "facts", "relay", "reconciler")
        await drill.fleet.ready()
        await drill.register()
        zombies = [
            drill.worker(name, member, CRASH_AT=point, CRASH_WITH="SIGSTOP")
            for name, (member, point) in STOPPED_AT.items()
        ]
        drill.worker("healthy", "commands", "bulk", "effects")
        await drill.fleet.ready()
        await drill.publish_until(lambda: all(zombie.stopped for zombie in zombies))
        await drill.publish_during(asyncio.sleep(LONGER_THAN_ANYTHING_LASTS))
        for zombie in zombies:
            zombie.resume()
        await drill.publish_rest()
        await drill.judge()
        assert fenced(drill.fleet.units[NOT_BEGUN]) > 0
