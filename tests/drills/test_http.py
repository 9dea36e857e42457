"""Entry points are killed while customers wait for answers."""

import asyncio
from collections import Counter
from pathlib import Path

import pytest

from state.postgres import api_tokens
from state.postgres.connection import connect
from tests.drills.arena import Arena, arena
from tests.drills.customers import Customer, check_customers
from tests.drills.history import MARK
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
        customers = await _customers(drill, [unit.url for unit in surfaces])
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
        complaints = await _complaints(drill, customers)
        assert not complaints, f"seed {seed}: {complaints[:20]}"
        assert killed > 2


async def _customers(drill: Arena, urls: list[str]) -> list[Customer]:
    connection = await connect(drill.dsn, name="drill-tokens")
    try:
        customers = []
        for account_id in drill.history.ordinary(CUSTOMERS):
            token = await api_tokens.create(
                connection, name="drill", accounts=[account_id], scopes=[api_tokens.WRITE]
            )
            customers.append(Customer(account_id, token[1], drill.rng, urls))
        return customers
    finally:
        await connection.close()


async def _complaints(drill: Arena, customers: list[Customer]) -> list[str]:
    asked = [
        record
        for record in await drill.input()
        if record.topic == "billing.commands.v1" and MARK not in dict(record.headers)
    ]
    connection = await connect(drill.dsn, name="drill-verdict")
    try:
        rows = await connection.fetch(
            "SELECT account_id, count(*) AS number FROM journal WHERE actor_role = 'customer'"
            " AND actor <> 'token:drill' GROUP BY account_id"
        )
    finally:
        await connection.close()
    journaled = Counter({row["account_id"]: row["number"] for row in rows})
    return [str(complaint) for complaint in check_customers(customers, asked, journaled)]
