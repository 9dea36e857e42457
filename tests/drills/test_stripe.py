"""Stripe does what it was asked and does not say so, says so late, or says the opposite."""

from pathlib import Path

import pytest

from tests.drills.arena import arena
from tests.drills.servers import Servers

pytestmark = [pytest.mark.asyncio, pytest.mark.stack, pytest.mark.drill, pytest.mark.timeout(600)]

FAULTS = (
    {"kind": "timeout_after_effect", "times": 4, "probability": 0.05},
    {"kind": "reset_after_effect", "probability": 0.05},
    {"kind": "error_500_after_effect", "probability": 0.03},
    {"kind": "error_500_stored", "probability": 0.03},
    {"kind": "conflict_409", "probability": 0.03},
    {"kind": "rate_limit", "probability": 0.03},
    {"kind": "slow", "probability": 0.03, "seconds": 0.5},
)


async def test_stripe_times_out_after_the_effect_and_worse(
    drill_servers: Servers, folder: Path, seed: int
) -> None:
    async with arena(drill_servers, folder, seed, 1500, stripe=True) as drill:
        drill.worker("lanes", "commands", "facts", "bulk", "relay")
        drill.worker("effects", "effects", "reconciler")
        await drill.fleet.ready()
        await drill.register()
        await drill_servers.break_stripe(*FAULTS)
        await drill.producer.publish(drill.history.rest(), pause=2.0)
        await drill_servers.mend_stripe()
        await drill.judge()
