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
        enough = asyncio.Event()
        sending = asyncio.gather(*(customer.keep_sending(enough, 0.05) for customer in customers))
        for unit in drill.rng.sample([*surfaces * 2, worker], 5):
            await asyncio.sleep(drill.rng.uniform(0.3, 1.2))
            unit.kill()
            await drill.fleet.ready()
        enough.set()
        await sending
        await drill.publish_rest()
        await asyncio.gather(*(customer.send_again(5) for customer in customers))
        await drill.judge()
        complaints = await judge_customers(drill, customers)
        assert not complaints, report(seed, complaints)
        assert sum(customer.retries for customer in customers) > 0
