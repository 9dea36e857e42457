"""Entry points are killed while customers wait for answers."""

import asyncio
from pathlib import Path

import pytest

from tests.drills.arena import arena
from tests.drills.complaint import report
from tests.drills.customers import customers_of, judge_customers
from tests.drills.servers import Servers

pytestmark = [pytest.mark.asyncio, pytest.mark.stack, pytest.mark.drill, pytest.mark.timeout(600)]

CUSTOMERS = 12
REQUESTS = 40


async def test_entry_points_and_workers_are_killed_while_customers_wait(
    drill_servers: Servers, folder: Path, seed: int
) -> None:
    async with arena(drill_servers, folder, seed, 200, stripe=True) as drill:
        worker = drill.worker("lanes", "commands", "facts", "bulk")
        drill.worker("others", "relay", "effects", "reconciler")
        surfaces = [drill.entry_point(name, "dashboard") for name in ("dashboard-1", "dashboard-2")]
        await drill.fleet.ready()
        await drill.register()
        customers = await customers_of(drill, CUSTOMERS, [unit.url for unit in surfaces])
        sending = asyncio.gather(*(customer.send(REQUESTS) for customer in customers))
        killed = 0
        while not sending.done():
            await asyncio.sleep(drill.rng.uniform(0.3, 1.2))
            drill.rng.choice((*surfaces, *surfaces, worker)).kill()
            killed += 1
            await drill.fleet.ready()
        await sending
        await drill.publish_rest()
        await asyncio.gather(*(customer.send_again(5) for customer in customers))
        await drill.judge()
        complaints = await judge_customers(drill, customers)
        assert not complaints, report(seed, complaints)
        assert killed > 2
