"""A sweeps member beside an account that pays, step by step."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from consumers.sweeps.asking import Processors
from consumers.sweeps.repair_plan import repair_of
from consumers.sweeps.sweeper import Sweeper, SweepSettings, impatient
from consumers.sweeps.walk import FIRST
from handlers.drift import Cause
from state.postgres import drift, sweeps
from state.postgres.drift import Drift
from state.postgres.sweeps import Counts, Sweep
from tests.consumers.effects.payments import Payments

ON_DEMAND = impatient(SweepSettings(every=None))


@dataclass(frozen=True, slots=True)
class Sweeping:
    """An account, its processors and the member, which waits for nothing to settle."""

    payments: Payments
    member: Sweeper

    async def everything(self) -> Sweep:
        """A full sweep from beginning to end."""
        await sweeps.ask(self.payments.world.connection, FIRST)
        while await self.member.sweep_on():
            pass
        (newest,) = await sweeps.newest(self.payments.world.connection, 1)
        return newest

    async def again(self) -> None:
        """Look at what is open once more: what is found twice is reported."""
        await self.member.recent.look_again(Counts())

    async def found(self) -> dict[str, tuple[str | None, str | None, Cause]]:
        """The report after a full sweep and a second look: what differs, by field."""
        await self.everything()
        await self.again()
        return await self.reported()

    async def reported(self) -> dict[str, tuple[str | None, str | None, Cause]]:
        """The report as it stands, by field."""
        shown = [one.difference for one in await self.rows()]
        return {one.field: (one.ours, one.theirs, Cause(one.cause)) for one in shown}

    async def rows(self) -> list[Drift]:
        """The report as it stands."""
        return await drift.report(self.payments.world.connection)

    async def repaired(self) -> None:
        """Ask for a repair of all that is reported, let it happen, look again."""
        command = repair_of(one.difference for one in await self.rows())
        await self.payments.world.say(self.payments.account, command)
        await self.settled()

    async def settled(self) -> None:
        """What is owed is done, and whoever was busy with it is come back to."""
        await self.payments.world.settle()
        await self.payments.world.connection.execute("UPDATE drift_suspects SET due_at = now()")
        await self.again()


@asynccontextmanager
async def sweeping(payments: Payments, worker: str = "test") -> AsyncIterator[Sweeping]:
    """A member that does what it is told."""
    world = payments.world
    processors = Processors(world.stripe, world.braintree)
    member = Sweeper(processors, dsn=world.stack.database_url, worker=worker, settings=ON_DEMAND)
    try:
        yield Sweeping(payments, member)
    finally:
        await member.close()
