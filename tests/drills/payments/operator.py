"""An operator: has everything swept, reads the drift report and repairs by `fleet drift` what it shows.

The sweep itself is done by a sweeper of the operator's own that waits for nothing to settle, as the fleet is at rest.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from click.testing import CliRunner

from consumers.sweeps.asking import Processors
from consumers.sweeps.sweeper import Sweeper, SweepSettings, impatient
from fleet.cli import main
from state.postgres import drift, sweeps
from state.postgres.connection import Connection, connect
from state.postgres.drift import Drift
from state.postgres.sweeps import Counts
from state.redis.connection import connect as connect_redis
from tests.braintree_double import braintree_at
from tests.drills.arena import Arena
from tests.stripe_double import stripe_at

ON_DEMAND: Final = impatient(SweepSettings(every=None))
ROUNDS: Final = 6
"""Of repairs, after which what is still in the report stays there."""
ALL: Final = 10_000


@dataclass(frozen=True, slots=True)
class Operator:
    """`repaired` notes what was repaired, as account, field and cause."""

    drill: Arena
    sweeper: Sweeper
    connection: Connection
    repaired: list[str]

    async def put_right(self, settle: Callable[[], Awaitable[None]]) -> list[Drift]:
        """Sweep, repair and look again until nothing differs, and sweep once more; what differs then is given.

        Only accounts that pay are repaired: what others did to them behind our back is an operator's. In those of the
        history nothing may differ once all is quiet. `settle` waits until the fleet is at rest.
        """
        for _ in range(ROUNDS):
            await self._sweep()
            report = await self._report()
            found = [one for one in report if one.account_id in self.drill.apart]
            if not found:
                return report
            for one in found:
                what = one.difference
                self.repaired.append(
                    f"{one.account_id} {what.field}: {what.ours} / {what.theirs} ({what.cause})"
                )
            for account_id in dict.fromkeys(one.account_id for one in found):
                await self._fleet("drift", "repair", account_id, "--yes", "--reason", "drill")
            await settle()
            await self._look()
        return await self._report()

    async def _sweep(self) -> None:
        """From beginning to end, whatever another one had begun; what is found is looked at a second time."""
        await self._fleet("drift", "sweep", "--stop")
        await self._fleet("drift", "sweep")
        while (await sweeps.newest(self.connection, 1))[0].state == "running":
            await self.sweeper.sweep_on()
        await self._look()

    async def _look(self) -> None:
        """Twice, also at accounts that were busy with what a first look had read."""
        await self.sweeper.recent.follow(Counts())
        for _ in range(2):
            await asyncio.sleep(1.1)
            await self.connection.execute("UPDATE drift_suspects SET due_at = now()")
            await self.sweeper.recent.look_again(Counts())

    async def _report(self) -> list[Drift]:
        return await drift.report(self.connection, limit=ALL)

    async def _fleet(self, *words: str) -> None:
        """The command line as typed."""
        told = self.drill.servers.environment(self.drill.database)
        result = await asyncio.to_thread(CliRunner().invoke, main, words, env=told)
        assert result.exit_code == 0, f"fleet {' '.join(words)}: {result.output}"


@asynccontextmanager
async def operator(drill: Arena) -> AsyncIterator[Operator]:
    """Somebody who looks after the fleet of a drill, for as long as the block runs."""
    redis = connect_redis(drill.servers.stack.connections()["REDIS_URL"])
    stripe = stripe_at(drill.servers.stripe_url, redis)
    braintree = braintree_at(drill.servers.braintree_url, redis)
    connection = await connect(drill.dsn, name="drill-operator")
    sweeper = Sweeper(Processors(stripe, braintree), dsn=drill.dsn, worker="operator", settings=ON_DEMAND)
    try:
        yield Operator(drill, sweeper, connection, [])
    finally:
        await sweeper.close()
        await connection.close(timeout=2)
        await braintree.close()
        await stripe.close()
        await redis.aclose()
