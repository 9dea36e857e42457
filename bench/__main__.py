"""`python -m bench`: every benchmark beside its rival, on the same servers, in one run of a few minutes."""

import argparse
import asyncio
import json
import shutil
import sys
import time
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final, Protocol

import uvloop
from rich.console import Console

from bench import apply, flood, growth, latency, machine, plot, report, sweep, webhooks
from bench.plan import FULL, QUICK, Plan
from bench.servers import NoServersError, Servers, servers
from bench.show import Show, terminal


class Measured(Protocol):
    """What a benchmark gives back."""

    def figures(self) -> dict[str, object]:
        """As it is reported, ready for JSON."""


BENCHMARKS: Final[dict[str, Callable[[Servers, Plan, Path, Show], Coroutine[Any, Any, Measured]]]] = {
    "apply": apply.measure,
    "http": latency.measure,
    "growth": growth.measure,
    "flood": flood.measure,
    "webhooks": webhooks.measure,
    "sweep": sweep.measure,
}
SHORT: Final = [name for name in BENCHMARKS if name != "sweep"]
"""What is measured if nothing is chosen, in under five minutes; a sweep of 100,000 accounts takes as long alone."""


def main() -> None:
    """Measure, print the table, write `latest.json` and `latest.png`."""
    options = _options()
    plan = QUICK if options.quick else FULL
    out: Path = options.out
    began = time.monotonic()
    try:
        with terminal() as shown:
            figures = uvloop.run(run(plan, options.only, options.env_file, out, shown))
    except NoServersError as reason:
        sys.exit(str(reason))
    write(figures, out)
    console = Console()
    console.print(report.table(figures))
    console.print(f"{time.monotonic() - began:.0f} s in all. {out}/latest.json, {out}/latest.png, {out}/logs")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the work: to try, not to quote")
    parser.add_argument(
        "--only",
        type=_names,
        default=SHORT,
        help=f"a comma-separated choice of {', '.join(BENCHMARKS)} (default: all but sweep)",
    )
    parser.add_argument(
        "--out", type=Path, default=Path(".local/bench"), help="folder (default: %(default)s)"
    )
    parser.add_argument("--env-file", type=Path, help="servers to use, idle ones, instead of our own")
    return parser.parse_args()


def _names(text: str) -> list[str]:
    chosen = text.split(",")
    if unknown := set(chosen) - set(BENCHMARKS):
        raise argparse.ArgumentTypeError(f"{', '.join(sorted(unknown))}: choose from {', '.join(BENCHMARKS)}")
    return chosen


async def run(
    plan: Plan, names: Sequence[str], env_file: Path | None, out: Path, show: Show
) -> dict[str, Any]:
    """The figures of each benchmark by its name, with what they were measured on."""
    logs = out / "logs"
    await asyncio.to_thread(shutil.rmtree, logs, ignore_errors=True)
    show.step("starting PostgreSQL, Redis and Kafka" if env_file is None else "using the given servers")
    async with servers(env_file, out) as found:
        figures: dict[str, Any] = {"machine": await machine.facts(found), "plan": asdict(plan)}
        for name in names:
            figures[name] = (await BENCHMARKS[name](found, plan, logs, show)).figures()
    return figures


def write(figures: dict[str, Any], out: Path) -> None:
    """Leave the figures and their picture in the folder."""
    out.mkdir(parents=True, exist_ok=True)
    (out / "latest.json").write_text(json.dumps(figures, indent=2) + "\n")
    plot.draw(figures, out / "latest.png")


if __name__ == "__main__":
    main()
