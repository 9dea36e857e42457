"""One long history with every breakage over it at random, and the figures of the run."""

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from rich.console import Console

from tests.drills.arena import Arena, arena
from tests.drills.breakages import SERVERS, SHARES, Breakage
from tests.drills.complaint import Complaint
from tests.drills.customers import Customer, customers_of, judge_customers
from tests.drills.lag import CAUGHT_UP, Lag
from tests.drills.payments.company import company
from tests.drills.payments.judging import judged
from tests.drills.progress import Progress
from tests.drills.servers import Servers

RATE: Final = 1000
"""Commands a second at most: breakages need a run to happen in."""
MOST_BEHIND: Final = 50_000
"""Records behind at which publishing waits."""
PORTION: Final = 500
CUSTOMERS: Final = 6
TWO_AT_ONCE: Final = 0.25

UNITS: Final = {
    "commands-1": ("commands",),
    "commands-2": ("commands",),
    "facts-bulk-1": ("facts", "bulk"),
    "facts-bulk-2": ("facts", "bulk"),
    "relay-1": ("relay",),
    "relay-2": ("relay",),
    "effects-1": ("effects", "reconciler"),
    "effects-2": ("effects", "reconciler"),
    "webhooks-1": ("webhooks",),
    "webhooks-2": ("webhooks",),
    "sweeps-1": ("sweeps", "schedule"),
    "sweeps-2": ("sweeps", "schedule"),
}
THROUGH_PROXY: Final = ("commands-2", "facts-bulk-2", "relay-2")
OFTEN: Final = {"SWEEP_EVERY_HOURS": "0.005", "SWEEP_RECENT_SECONDS": "2"}
"""A sweep that comes once a day would be met by no breakage."""
PAYERS_AT_ONCE: Final = 16


@dataclass(slots=True)
class Run:
    """What happened in a run."""

    began: float = field(default_factory=time.monotonic)
    published_after: float = 0.0
    breakages: dict[str, list[float | None]] = field(default_factory=lambda: defaultdict(list))
    """By name: the seconds from its end until the lanes had caught up; None if they did not for long."""
    complaints: list[Complaint] = field(default_factory=list)
    figures: dict[str, Any] = field(default_factory=dict)


async def long_run(servers: Servers, folder: Path, seed: int, commands: int, console: Console) -> Run:
    """Run it. Complaints are in the result; what never gets quiet raises AssertionError."""
    accounts = max(200, commands // 50)
    async with arena(servers, folder, seed, commands, accounts=accounts, stripe=True) as drill:
        for name, members in UNITS.items():
            drill.worker(name, *members, through_proxy=name in THROUGH_PROXY, **OFTEN)
        dashboards = [drill.entry_point(name, "dashboard") for name in ("dashboard-1", "dashboard-2")]
        async with Lag(drill.dsn, servers.bootstrap) as lag:
            run = Run()
            progress = Progress(console, lambda: _words(drill, lag, run))
            async with progress.shown():
                progress.doing = "starting the fleet"
                await drill.fleet.ready()
                progress.doing = "registering accounts"
                await drill.register()
                paying = await company(drill, max(24, commands // 250), dashboards)
                run.began = time.monotonic()
                customers = await customers_of(drill, CUSTOMERS, [unit.url for unit in dashboards])
                async with _sending(customers), paying.at_work(PAYERS_AT_ONCE):
                    await _publish_and_break(drill, lag, run, progress)
                progress.doing = "healing, and waiting for quiet"
                about_payments, of_payments = await judged(paying)
                run.figures = _figures(drill, lag, run, customers) | of_payments
                progress.doing = "checking"
                findings, run.complaints = await drill.stopped_and_judged(paying.behind.at.secrets)
                run.complaints += [*about_payments, *await judge_customers(drill, customers)]
                run.figures |= {
                    "messages": findings.messages,
                    "outcomes": dict(findings.outcomes),
                    "dead_letters": len(findings.invalid),
                    "duplicates_published": findings.duplicates,
                    "complaints": len(run.complaints),
                }
        return run


@asynccontextmanager
async def _sending(customers: list[Customer]) -> AsyncIterator[None]:
    """Customers use the Dashboard as long as the block runs."""
    enough = asyncio.Event()
    sending = asyncio.gather(*(customer.keep_sending(enough, 0.3) for customer in customers))
    try:
        yield
    finally:
        enough.set()
        await sending


async def _publish_and_break(drill: Arena, lag: Lag, run: Run, progress: Progress) -> None:
    publishing = asyncio.create_task(_publish(drill, lag, run))
    while not publishing.done():
        await asyncio.sleep(drill.rng.uniform(0.5, 2))
        await _break(drill, lag, run, progress, _chosen(drill))
    await publishing


def _chosen(drill: Arena) -> list[Breakage]:
    """One breakage, or two different ones at once."""
    one, other = drill.rng.choices(list(SHARES), list(SHARES.values()), k=2)
    alone = drill.rng.random() > TWO_AT_ONCE or one is other or {one, other} <= SERVERS
    return [one] if alone else [one, other]


async def _break(drill: Arena, lag: Lag, run: Run, progress: Progress, chosen: list[Breakage]) -> None:
    progress.doing = " and ".join(_name(breakage) for breakage in chosen)
    await asyncio.gather(*(breakage(drill) for breakage in chosen))
    progress.doing = f"recovering from: {progress.doing}"
    recovered = await lag.caught_up()
    for breakage in chosen:
        run.breakages[_name(breakage)].append(recovered)
    progress.doing = "nothing broken"


async def _publish(drill: Arena, lag: Lag, run: Run) -> None:
    """At the rate, unless the lanes are too far behind; what was missed is not made up for.

    Commands wait for no other lane: on a slow machine what is published is what they keep up with, so that breakages
    go on following one another.
    """
    history = drill.history
    while history.drawn < history.size:
        began = time.monotonic()
        if lag.behind <= MOST_BEHIND and lag.commands_behind <= CAUGHT_UP:
            await drill.publish(min(PORTION, history.size - history.drawn))
        await asyncio.sleep(max(0.0, began + PORTION / RATE - time.monotonic()))
    await drill.publish_rest()
    run.published_after = time.monotonic() - run.began


def _name(breakage: Breakage) -> str:
    return breakage.__name__.replace("_", " ")


def _words(drill: Arena, lag: Lag, run: Run) -> str:
    rate = lag.applied / max(1.0, time.monotonic() - run.began)
    share = 100 * drill.history.drawn // max(1, drill.history.size)
    broken = sum(map(len, run.breakages.values()))
    return (
        f"{drill.producer.sent + drill.again.sent:>9,} published ({share} %)  {lag.applied:>9,} applied "
        f"({rate:,.0f}/s)  {lag.behind:>6,} behind  {broken:>3} breakages"
    )


def _figures(drill: Arena, lag: Lag, run: Run, customers: list[Customer]) -> dict[str, Any]:
    fleet, seconds = drill.fleet, time.monotonic() - run.began
    units = fleet.units.values()
    died: dict[str, int] = defaultdict(int)
    for unit in units:
        for point, number in unit.died_at.items():
            died[point.partition(":")[0]] += number
    return {
        "seed": drill.seed,
        "commands": drill.history.size,
        "accounts": len(drill.history.accounts),
        "records_published": drill.producer.sent + drill.again.sent,
        "seconds_to_publish": round(run.published_after, 1),
        "seconds_to_quiet": round(seconds, 1),
        "applied_per_second": round(lag.applied / seconds),
        "most_behind": lag.most,
        "kills": sum(died.values()),
        "killed_at": dict(sorted(died.items())),
        "starts": sum(unit.starts for unit in units),
        "breakages": {name: _recovery(times) for name, times in sorted(run.breakages.items())},
        "duplicates_dropped": dict(fleet.by_label("billing_dedup_hits_total", "layer")),
        "fence_rejections": int(fleet.total("billing_fence_rejections_total")),
        "batch_retries": dict(fleet.by_label("billing_batch_retries_total", "cause")),
        "effects": dict(fleet.by_label("billing_effects_total", "result")),
        "stripe_requests": int(fleet.total("billing_stripe_requests_total")),
        "http_requests": sum(len(customer.requests) for customer in customers),
        "http_repeated": sum(customer.retries for customer in customers),
        "cursor_samples": drill.watch.samples,
    }


def _recovery(times: list[float | None]) -> dict[str, Any]:
    known = sorted(seconds for seconds in times if seconds is not None)
    return {
        "times": len(times),
        "median_seconds": round(known[len(known) // 2], 1) if known else None,
        "longest_seconds": round(known[-1], 1) if known else None,
        "not_recovered": len(times) - len(known),
    }
