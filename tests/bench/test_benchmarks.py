"""Each benchmark runs from end to end on real servers, with sizes that say nothing about speed."""

import asyncio
from pathlib import Path

import pytest

from bench.__main__ import BENCHMARKS
from bench.plan import Plan
from bench.servers import Servers
from bench.show import Silent
from tests.conftest import Servers as Given

TINY = Plan(
    accounts=40,
    commands=300,
    warm_up=20,
    rival_commands=30,
    rival_warm_up=2,
    rival_workers=(1,),
    copy_rows=100,
    http_rate=40,
    http_seconds=1.0,
    http_warm_up=0.5,
    http_connections=4,
    http_accounts=10,
    growth_accounts=(20, 60),
    growth_touched=20,
    growth_commands=100,
    flood_messages=200,
    flood_rate=20,
    flood_warm_up=2,
    flood_seconds=0.5,
    quiet_limit=0.5,
    webhook_accounts=20,
    webhooks=120,
    webhook_requests=10,
    sweep_accounts=30,
    sweep_drifting=3,
)
KEYS = {
    "apply": {"commands_per_second", "times_rival", "share_of_copy"},
    "http": {"p50_ms", "p99_ms", "answered"},
    "growth": {"ratio"},
    "flood": {"ratio", "quiet_p99_ms", "flooded_p99_ms"},
    "webhooks": {"webhooks_per_second", "share_of_copy", "http_per_second", "http"},
    "sweep": {"accounts", "found", "calls", "seconds", "peak_megabytes", "minutes_at_limits"},
}


@pytest.mark.stack
@pytest.mark.parametrize("name", KEYS)
def test_a_benchmark_gives_its_figures(name: str, servers: Given, tmp_path: Path) -> None:
    given = Servers(servers.database_url, servers.redis_url, servers.kafka_bootstrap)
    measured = asyncio.run(BENCHMARKS[name](given, TINY, tmp_path, Silent()))
    figures = measured.figures()
    assert figures.keys() >= KEYS[name]
    assert all(figures[key] for key in KEYS[name])


def test_every_benchmark_is_tried() -> None:
    assert KEYS.keys() == BENCHMARKS.keys()
