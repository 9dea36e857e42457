"""From what was measured to figures, table and picture."""

import json
import math
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from bench import report
from bench.__main__ import write
from bench.apply import Speeds
from bench.flood import Flood
from bench.growth import Growth
from bench.latency import percentile, summary
from bench.load import Answers
from bench.plot import picture


def figures() -> dict[str, Any]:
    """Made-up measurements of all four."""
    answers = Answers({200: [0.001 * n for n in range(1, 101)]}, sent=100)
    return {
        "apply": Speeds(20_000, 24_000, {1: 200, 12: 400}, {500: 30_000, 5_000: 50_000}, 900).figures(),
        "http": summary(answers, 500, 30.0).figures(),
        "growth": Growth({1_000: 50.0, 1_000_000: 55.0}).figures(),
        "flood": Flood([0.005] * 100, 100, [0.008] * 100, 100, 200_000, 20.0, 3.0).figures(),
    }


def test_the_figures_are_what_the_measurements_say() -> None:
    found = figures()
    assert found["apply"]["commands_per_second"] == 20_000
    assert found["apply"]["times_rival"] == 100
    assert found["apply"]["share_of_copy"] == 0.4
    assert (found["http"]["p50_ms"], found["http"]["p99_ms"], found["http"]["answered"]) == (50, 99, 100)
    assert found["growth"]["ratio"] == 1.1
    assert found["flood"]["ratio"] == 1.6


def test_a_percentile_counts_what_is_missing_as_infinitely_late() -> None:
    assert percentile([1.0, 2.0, 3.0, 4.0], 50, 4) == 2.0
    assert percentile([1.0, 2.0, 3.0, 4.0], 100, 4) == 4.0
    assert percentile([1.0, 2.0, 3.0], 75, 4) == 3.0
    assert math.isinf(percentile([1.0, 2.0, 3.0], 99, 4))


def test_unanswered_requests_leave_no_percentile_to_report() -> None:
    answers = Answers({200: [0.001] * 90, 503: [0.001] * 5}, sent=100)
    found = summary(answers, 500, 30.0).figures()
    assert found["answered"] == 90
    assert found["p50_ms"] == 1
    assert found["p99_ms"] is None
    assert found["statuses"] == {"200": 90, "503": 5}


@pytest.mark.parametrize(
    "drawn", [["apply"], ["apply", "http", "growth"], ["apply", "http", "growth", "flood"]]
)
def test_a_place_without_a_benchmark_shows_no_axes(drawn: list[str]) -> None:
    seen = [axes.get_title() for axes in picture(drawn, figures()).axes if axes.axison]
    assert len(seen) == len(drawn)
    assert all(seen)


def test_json_and_picture_are_written(tmp_path: Path) -> None:
    write(figures(), tmp_path)
    assert json.loads((tmp_path / "latest.json").read_text()) == figures()
    assert (tmp_path / "latest.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("benchmark", ["apply", "http", "growth", "flood"])
def test_the_table_shows_the_benchmarks_that_ran(benchmark: str) -> None:
    console = Console(width=120, record=True)
    console.print(report.table({benchmark: figures()[benchmark]}))
    shown = console.export_text()
    assert benchmark in shown
    others = {"apply", "http", "growth", "flood"} - {benchmark}
    assert not any(f"│ {other}" in shown for other in others)
