"""HTTP to applied to answered: a steady stream of requests while everything runs on the same cores."""

import math
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from random import Random

import orjson

from bench import members
from bench.load import Answers, steady
from bench.plan import Plan
from bench.servers import Servers
from bench.show import Show
from bench.stage import fresh_database, settle, start_here
from bench.workload import account_ids, profile
from consumers.lane import LANES
from state.postgres import api_tokens
from state.postgres.connection import Connection, connect

PERCENTILES = (50.0, 75.0, 90.0, 95.0, 99.0, 99.9, 100.0)


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds by percentile of all requests; one without a good answer counts as infinitely late."""

    percentiles: dict[float, float]
    sent: int
    answered: int
    per_second: int
    statuses: dict[int, int]
    generator_cpu: float
    """The load generator's share of one core."""

    def figures(self) -> dict[str, object]:
        """As it is reported."""
        return {
            "p50_ms": _rounded(self.percentiles[50.0]),
            "p99_ms": _rounded(self.percentiles[99.0]),
            "answered": self.answered,
            "sent": self.sent,
            "requests_per_second": self.per_second,
            "percentiles_ms": {f"{at:g}": _rounded(found) for at, found in self.percentiles.items()},
            "statuses": {str(status): count for status, count in self.statuses.items()},
            "load_generator_cpu": round(self.generator_cpu, 3),
        }


async def measure(servers: Servers, plan: Plan, logs: Path, show: Show) -> Latency:
    """Customers replace their profiles through the Dashboard; each waits for the outcome."""
    show.step(f"http: {plan.http_accounts:,} customers, a token each")
    async with fresh_database(servers, "bench_http") as own, AsyncExitStack() as stack:
        connection = await connect(own.database_url, name="bench")
        try:
            accounts = account_ids(plan.http_accounts)
            await settle(connection, plan.http_accounts, seed=plan.seed)
            await start_here(connection, own.kafka_bootstrap, [LANES["commands"]])
            secrets = await _tokens(connection, accounts)
        finally:
            await connection.close()
        show.step("http: starting Dashboard, worker and relay")
        await stack.enter_async_context(members.worker("commands", servers=own, logs=logs))
        await stack.enter_async_context(members.worker("relay", servers=own, logs=logs))
        ports = [members.free_port() for _ in range(plan.http_processes)]
        for port in ports:
            await stack.enter_async_context(members.surface("dashboard", port=port, servers=own, logs=logs))
        show.step(f"http: {plan.http_rate} requests/s for {plan.http_seconds:g} s")
        seconds = plan.http_warm_up + plan.http_seconds
        requests = list(_requests(accounts, secrets, round(seconds * plan.http_rate), plan.seed))
        answers = await steady(
            requests,
            addresses=[("127.0.0.1", port) for port in ports],
            per_second=plan.http_rate,
            connections=plan.http_connections,
            warm_up=plan.http_warm_up,
        )
    return summary(answers, plan.http_rate, seconds)


async def _tokens(connection: Connection, accounts: Sequence[str]) -> list[str]:
    made = [
        await api_tokens.create(connection, name="bench", accounts=[account], scopes=api_tokens.SCOPES)
        for account in accounts
    ]
    return [secret for _, secret in made]


def _requests(accounts: Sequence[str], secrets: Sequence[str], count: int, seed: int) -> Iterator[bytes]:
    """`PUT /accounts/{id}/billing/profile`, account after account in random order."""
    dice = Random(seed)
    order = list(range(len(accounts)))
    for number in range(count):
        if number % len(order) == 0:
            dice.shuffle(order)
        chosen = order[number % len(order)]
        body = orjson.dumps(profile(dice, number))
        yield (
            f"PUT /client/v4/accounts/{accounts[chosen]}/billing/profile HTTP/1.1\r\n"
            f"host: 127.0.0.1\r\nauthorization: Bearer {secrets[chosen]}\r\n"
            f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
        ).encode() + body


def summary(answers: Answers, per_second: int, seconds: float) -> Latency:
    """The figures of what came back."""
    good = sorted(answers.seconds.get(200, []))
    return Latency(
        percentiles={at: percentile(good, at, answers.sent) * 1000 for at in PERCENTILES},
        sent=answers.sent,
        answered=len(good),
        per_second=per_second,
        statuses={status: len(found) for status, found in sorted(answers.seconds.items())},
        generator_cpu=answers.cpu_seconds / seconds,
    )


def percentile(ordered: Sequence[float], at: float, count: int) -> float:
    """The value that `at` percent of `count` are not above (nearest rank); infinite where values are missing."""
    rank = max(1, math.ceil(count * at / 100))
    return ordered[rank - 1] if rank <= len(ordered) else math.inf


def _rounded(milliseconds: float) -> float | None:
    return round(milliseconds, 2) if math.isfinite(milliseconds) else None
