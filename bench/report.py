"""The figures of a run as a table, beside what we aim at."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from rich.table import Table

Figures = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Line:
    """One line: its words, how it is read from its benchmark's figures, and the aim, if there is one."""

    benchmark: str
    text: str
    read: Callable[[Figures], float | None]
    unit: str = ""
    aim: str = ""
    reached: Callable[[float], bool] = lambda _: True


LINES: Final = (
    Line("apply", "commands applied, one worker process", lambda f: f["commands_per_second"], "/s"),
    Line("apply", "... by two worker processes", lambda f: f.get("two_processes_per_second"), "/s"),
    Line(
        "apply",
        "FastStream, one message = one transaction",
        lambda f: f["rival_commands_per_second"]["1"],
        "/s",
    ),
    Line(
        "apply", "... with a worker per partition", lambda f: f["rival_commands_per_second"].get("12"), "/s"
    ),
    Line("apply", "COPY of the same rows", lambda f: f["copy_commands_per_second"], "/s"),
    Line("apply", "times the rival", lambda f: f["times_rival"], "x", ">= 60, goal 100", lambda x: x >= 60),
    Line(
        "apply", "share of COPY", lambda f: f["share_of_copy"], "", ">= 0.35, goal 0.5", lambda x: x >= 0.35
    ),
    Line("http", "answered within the patience", lambda f: 100 * f["answered"] / f["sent"], "%"),
    Line("http", "p50 from due to answered", lambda f: f["p50_ms"], "ms", "< 15", lambda x: x < 15),
    Line("http", "p99 from due to answered", lambda f: f["p99_ms"], "ms", "< 50", lambda x: x < 50),
    Line("growth", "cost at most by least accounts", lambda f: f["ratio"], "x", "<= 1.3", lambda x: x <= 1.3),
    Line("flood", "p99 of commands in the quiet", lambda f: f["quiet_p99_ms"], "ms"),
    Line("flood", "p99 of commands in the flood", lambda f: f["flooded_p99_ms"], "ms"),
    Line("flood", "times the quiet p99", lambda f: f["ratio"], "x", "<= 2", lambda x: x <= 2),
    Line(
        "webhooks",
        "webhooks from Kafka to rows",
        lambda f: f["webhooks_per_second"],
        "/s",
        ">= 10,000",
        lambda x: x >= 10_000,
    ),
    Line("webhooks", "... share of COPY of the same rows", lambda f: f["share_of_copy"]),
    Line(
        "webhooks",
        "taken through HTTP, signed",
        lambda f: f["http_per_second"],
        "/s",
        ">= 2,000",
        lambda x: x >= 2_000,
    ),
    Line("webhooks", "... p99 with 8 in flight", lambda f: f["http"].get("8", {}).get("p99_ms"), "ms"),
    Line("sweep", "accounts compared field by field", lambda f: f["accounts"]),
    Line("sweep", "... found of those that differ", lambda f: 100 * f["found"] / f["drifting"], "%"),
    Line("sweep", "requests to Stripe", lambda f: f["calls"]),
    Line("sweep", "seconds without limits, double on the same cores", lambda f: f["seconds"], "s"),
    Line("sweep", "minutes at Stripe's limits", lambda f: f["minutes_at_limits"], "min"),
    Line("sweep", "memory at most", lambda f: f["peak_megabytes"], "MB"),
)


def table(figures: Figures) -> Table:
    """All lines of the benchmarks that ran."""
    made = Table(title="Measured in one run", title_justify="left")
    for heading in ("", "what", "figure", "aim"):
        made.add_column(heading, justify="right" if heading == "figure" else "left")
    before = ""
    for line in LINES:
        if (found := figures.get(line.benchmark)) is None or (number := line.read(found)) is None:
            continue
        first = line.benchmark != before
        before = line.benchmark
        colour = "" if not line.aim else "green" if line.reached(number) else "yellow"
        made.add_row(
            line.benchmark if first else "",
            line.text,
            f"{_written(number)} {line.unit}".rstrip(),
            line.aim,
            style=colour,
        )
    return made


def _written(number: float) -> str:
    return f"{number:,.0f}" if number >= 1000 else f"{number:.3g}"
