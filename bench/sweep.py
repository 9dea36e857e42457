"""A full sweep: every account beside what a double of Stripe shows of it, with a card and a subscription each.

The budget is left out of it, so that seconds and memory are ours (and the double's, on the same cores); how long it
takes at Stripe's documented limits follows from the requests of each phase.
"""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench import members
from bench.plan import Plan
from bench.servers import Servers
from bench.show import Done, Show
from bench.stage import STALLED_SECONDS, StalledError, fresh_database, settle
from bench.stripe_stage import settle_payments
from consumers.sweeps.walk import FIRST, PHASES
from sandbox.stripe import process
from sandbox.stripe.driver import Driver
from sandbox.stripe.world import API_KEY
from state.postgres import sweeps
from state.postgres.connection import Connection, connect
from state.postgres.sweeps import Sweep
from state.redis.buckets import STEADY

PER_ENDPOINT: Final = 25.0 * STEADY
"""Requests a second to one endpoint: what the fleet's budget makes for good of the 25 that Stripe takes
(docs.stripe.com/rate-limits), to a sweep alone."""
PLENTY: Final = "1000000"
SETTINGS: Final = {
    "STRIPE_API_KEY": API_KEY,
    "STRIPE_REQUESTS_PER_SECOND": PLENTY,
    "STRIPE_ENDPOINT_REQUESTS_PER_SECOND": PLENTY,
    "SWEEP_EVERY_HOURS": "0",
}


@dataclass(frozen=True, slots=True)
class Swept:
    """One sweep: requests by phase, seconds from its beginning to its end, and the process's memory at its most."""

    accounts: int
    drifting: int
    found: int
    calls: Mapping[str, int]
    seconds: float
    peak_bytes: int

    def figures(self) -> dict[str, object]:
        """As it is reported. Each phase asks one endpoint, so its time at the limits is requests by rate."""
        total = sum(self.calls.values())
        return {
            "accounts": self.accounts,
            "drifting": self.drifting,
            "found": self.found,
            "calls": total,
            "calls_by_phase": dict(self.calls),
            "seconds": round(self.seconds, 1),
            "accounts_per_second": round(self.accounts / self.seconds, 1),
            "peak_megabytes": round(self.peak_bytes / 2**20, 1),
            "minutes_at_limits": round(total / PER_ENDPOINT / 60, 2),
        }


async def measure(servers: Servers, plan: Plan, logs: Path, show: Show) -> Swept:
    """Load both sides, sweep once."""
    folder = logs / "stripe"
    async with fresh_database(servers, "bench_sweep") as own:
        connection = await connect(own.database_url, name="bench")
        try:
            show.step(f"sweep: loading {plan.sweep_accounts:,} accounts on both sides")
            await settle(connection, plan.sweep_accounts, seed=plan.seed)
            await settle_payments(
                connection, own.database_url, folder, plan.sweep_accounts, drifting=plan.sweep_drifting
            )
            return await _swept(own, connection, plan, logs, show)
        finally:
            await connection.close()


async def _swept(own: Servers, connection: Connection, plan: Plan, logs: Path, show: Show) -> Swept:
    double = await asyncio.to_thread(process.start, logs / "stripe")
    try:
        await asyncio.to_thread(_unlimited, double.url)
        settings = {**SETTINGS, "STRIPE_API_BASE": double.url}
        async with members.worker("sweeps", servers=own, logs=logs, settings=settings) as running:
            done = show.step("sweep: comparing", plan.sweep_accounts * 2)
            await sweeps.ask(connection, FIRST)
            calls, ended = await _until_done(connection, done)
            assert ended.finished_at is not None
            found = await connection.fetchval("SELECT count(*) FROM drift WHERE field = 'name'")
            return Swept(
                accounts=ended.accounts,
                drifting=plan.sweep_drifting,
                found=found,
                calls=calls,
                seconds=(ended.finished_at - ended.started_at).total_seconds(),
                peak_bytes=await asyncio.to_thread(_peak, running.pid),
            )
    finally:
        await asyncio.to_thread(double.stop)


def _unlimited(url: str) -> None:
    driver = Driver(url)
    driver.unlimited()
    driver.close()


def _peak(pid: int) -> int:
    """The largest resident size of a process so far, in bytes."""
    status = Path(f"/proc/{pid}/status").read_text()
    (line,) = (line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


async def _until_done(connection: Connection, done: Done) -> tuple[dict[str, int], Sweep]:
    """Watch it; a step's requests are counted when it is over, so they belong to the phase that was seen before."""
    calls, before, moved_at, phase = dict.fromkeys(PHASES, 0), 0, time.monotonic(), FIRST
    while True:
        (found,) = await sweeps.newest(connection, 1)
        if found.calls != before:
            calls[phase] += found.calls - before
            before, moved_at = found.calls, time.monotonic()
            done(found.accounts + calls["payment_methods"])
        phase = found.phase
        if found.state == "done":
            return calls, found
        if time.monotonic() - moved_at > STALLED_SECONDS:
            raise StalledError(f"the sweep stands in {found.phase}: {found.last_error or 'no error'}")
        await asyncio.sleep(0.02)
