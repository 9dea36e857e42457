"""Everything that can be done to a running fleet, each by its name, as a long run draws them."""

import asyncio
from collections.abc import Awaitable, Callable
from collections.abc import Set as AbstractSet
from contextlib import suppress
from typing import Final

from tests.drills.arena import Arena
from tests.drills.crash_points import RARE, crash_points
from tests.drills.evidence import KafkaReader
from tests.drills.fleet_under_test import Unit
from tests.drills.payments.breakages import answer_late_at_braintree, storm_of_429
from topics.table import ACCOUNT_PARTITIONS, LANES

Breakage = Callable[[Arena], Awaitable[None]]

POINTS: Final = {
    "commands": ("loop",),
    "facts": ("loop",),
    "bulk": ("loop",),
    "relay": ("relay",),
    "effects": ("effects", "stripe", "payments", "braintree"),
    "reconciler": ("reconciler",),
    "webhooks": ("webhooks",),
    "sweeps": ("sweeps",),
}
"""The families of points that each member passes."""
OF_PAYMENTS: Final = frozenset({"payments", "braintree", "webhooks", "sweeps"})
STARTING: Final = 15.0
"""Seconds after an outage in which a process that was starting may still give up."""


async def kill(drill: Arena) -> None:
    """SIGKILL of any process."""
    unit = _any(drill)
    unit.kill()
    await unit.ready()


async def kill_at_a_point(drill: Arena) -> None:
    """A worker dies between two steps."""
    unit = _any(drill, workers=True)
    await _killed_at(drill, unit, _families(unit), most=10)


async def kill_in_a_payment(drill: Arena) -> None:
    """The same where a payment method, a webhook or a sweep passes."""
    units = [unit for unit in _fit(drill) if _families(unit) & OF_PAYMENTS]
    if units:
        unit = drill.rng.choice(units)
        await _killed_at(drill, unit, _families(unit) & OF_PAYMENTS, most=2)


async def _killed_at(drill: Arena, unit: Unit, families: AbstractSet[str], *, most: int) -> None:
    names = [name for family in sorted(families) for name in crash_points(family) if name not in RARE]
    unit.arm([f"{drill.rng.choice(names)}:{drill.rng.randint(1, most)}"])
    await unit.ready()
    with suppress(TimeoutError):
        async with asyncio.timeout(12):
            while not unit.tried:
                await asyncio.sleep(0.2)


async def make_a_zombie(drill: Arena) -> None:
    """SIGSTOP for longer than the session."""
    unit = _any(drill, workers=True)
    unit.pause()
    await asyncio.sleep(drill.rng.uniform(4, 20))
    unit.resume()


async def join_and_leave(drill: Arena) -> None:
    """One more worker for a few seconds."""
    name = f"extra-{len(drill.fleet.units)}"
    unit = drill.worker(name, *drill.rng.sample(["commands", "facts", "bulk", "relay", "effects"], 3))
    await unit.ready()
    await asyncio.sleep(drill.rng.uniform(1, 6))
    await unit.stop()


async def flush_redis(drill: Arena) -> None:
    """Redis forgets everything."""
    await drill.servers.until_redis_answers()
    await drill.servers.forget_redis()


async def stop_redis(drill: Arena) -> None:
    """Redis is away."""
    await drill.servers.faults.stop("redis", immediate=True)
    await asyncio.sleep(drill.rng.uniform(1, 5))
    await drill.servers.faults.start("redis")


async def slow_redis(drill: Arena) -> None:
    """Redis answers late, or too late."""
    drill.servers.redis_proxy.latency = drill.rng.choice((0.05, 0.15, 0.6))
    await asyncio.sleep(drill.rng.uniform(2, 6))
    drill.servers.redis_proxy.latency = 0.0


async def cut_redis(drill: Arena) -> None:
    """Every connection to Redis is reset, again and again."""
    for _ in range(drill.rng.randint(20, 100)):
        drill.servers.redis_proxy.reset_all()
        await asyncio.sleep(drill.rng.uniform(0, 0.05))


async def restart_postgres(drill: Arena) -> None:
    """As by a crash."""
    drill.fleet.excuse(STARTING)
    await drill.servers.faults.restart("postgres", immediate=True)
    drill.fleet.excuse(STARTING)


async def lose_answers_to_commits(drill: Arena) -> None:
    """The connection is cut after the commit was sent, a few times."""
    for _ in range(drill.rng.randint(1, 5)):
        lost = drill.servers.postgres_proxy.drop_reply_to(lambda said: b"COMMIT" in said)
        with suppress(TimeoutError):
            async with asyncio.timeout(10):
                await lost.wait()


async def restart_kafka(drill: Arena) -> None:
    """In order, or as by a crash."""
    drill.fleet.excuse(STARTING + 30)
    await drill.servers.faults.restart("kafka", immediate=drill.rng.random() < 0.5)
    await drill.servers.until_kafka_serves()
    drill.fleet.excuse(STARTING)


async def break_stripe(drill: Arena) -> None:
    """Stripe does things and does not say so, or says the opposite."""
    kinds = ("reset_after_effect", "error_500_after_effect", "error_500_stored", "reset_before", "rate_limit")
    timeout = {"kind": "timeout_after_effect", "probability": 0.05, "times": 4}
    await drill.servers.break_stripe(timeout, *({"kind": kind, "probability": 0.05} for kind in kinds))
    await asyncio.sleep(drill.rng.uniform(3, 8))
    await drill.servers.mend_stripe()


async def produce_again(drill: Arena) -> None:
    """A producer that lost its memory repeats what it said on one partition."""
    topic = LANES[drill.rng.choice(sorted(LANES))].name
    await drill.servers.until_kafka_serves()
    async with KafkaReader(drill.servers.bootstrap) as kafka:
        records = await kafka.read(topic, drill.rng.randrange(ACCOUNT_PARTITIONS), last=5000)
    await drill.again.publish_again(records)


def _families(unit: Unit) -> AbstractSet[str]:
    """Of the points that its members pass."""
    return {family for member in unit.command for family in POINTS.get(member, ())}


def _fit(drill: Arena) -> list[Unit]:
    """Processes that are not in trouble already."""
    units = drill.fleet.units.values()
    return [unit for unit in units if unit.wanted and unit.running and not unit.paused and unit.tried]


def _any(drill: Arena, *, workers: bool = False) -> Unit:
    return drill.rng.choice([unit for unit in _fit(drill) if not workers or "run" in unit.command])


SERVERS: Final = frozenset({restart_kafka, produce_again, stop_redis, flush_redis})
"""Of these only one is on at a time: one would take away what another needs."""

SHARES: Final[dict[Breakage, float]] = {
    kill: 4,
    kill_at_a_point: 6,
    kill_in_a_payment: 8,
    make_a_zombie: 2,
    join_and_leave: 2,
    flush_redis: 1,
    stop_redis: 1,
    slow_redis: 1,
    cut_redis: 1,
    restart_postgres: 2,
    lose_answers_to_commits: 2,
    restart_kafka: 1.5,
    break_stripe: 2,
    storm_of_429: 1.5,
    answer_late_at_braintree: 2,
    produce_again: 1,
}
