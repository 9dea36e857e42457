"""What a command costs as the tables grow: the same work on tables of a thousand to a million accounts.

At each size the same number of accounts, spread over the whole table, gets the same number of commands, so
that a batch touches as many rows and pages of each table and only their number around it differs.
"""

import random
from dataclasses import dataclass
from pathlib import Path

from bench import members
from bench.plan import Plan
from bench.servers import Servers
from bench.show import Show
from bench.stage import fresh_database, position, publish, rate, refresh, settle, start_here
from bench.workload import account_id, commands
from consumers.lane import LANES
from state.postgres.connection import Connection, connect

LANE = LANES["commands"]


@dataclass(frozen=True, slots=True)
class Growth:
    """Microseconds per command by the number of accounts in the tables."""

    costs: dict[int, float]

    def figures(self) -> dict[str, object]:
        """As it is reported: the cost at the largest size by the one at the smallest."""
        return {
            "ratio": round(self.costs[max(self.costs)] / self.costs[min(self.costs)], 3),
            "microseconds_per_command": {str(size): round(cost, 1) for size, cost in self.costs.items()},
        }


async def measure(servers: Servers, plan: Plan, logs: Path, show: Show) -> Growth:
    """One table that grows from size to size."""
    costs: dict[int, float] = {}
    loaded = 0
    async with fresh_database(servers, "bench_growth") as own:
        connection = await connect(own.database_url, name="bench")
        try:
            for size in plan.growth_accounts:
                show.step(f"growth: loading {size:,} accounts")
                await settle(connection, size, seed=plan.seed, above=loaded)
                loaded = size
                costs[size] = 1e6 / await _speed(own, connection, size, plan, logs, show)
        finally:
            await connection.close()
    return Growth(costs)


async def _speed(
    own: Servers, connection: Connection, size: int, plan: Plan, logs: Path, show: Show
) -> float:
    dice = random.Random(size)
    touched = [account_id(number) for number in dice.sample(range(size), min(size, plan.growth_touched))]
    await connection.execute("DELETE FROM cursors")
    await start_here(connection, own.kafka_bootstrap, [LANE])
    start = await position(connection, LANE)
    done = show.step(f"growth: commands at {size:,} accounts", plan.growth_commands)
    await publish(
        own.kafka_bootstrap,
        LANE.topic.name,
        commands(plan.growth_commands, touched, seed=plan.seed + size),
        lambda count: None,
    )
    await refresh(connection, "profiles")

    async def count() -> int:
        return await position(connection, LANE) - start

    async with members.worker("commands", servers=own, logs=logs):
        return await rate(
            count, total=plan.growth_commands, warm_up=plan.growth_commands // 4, every=0.01, done=done
        )
