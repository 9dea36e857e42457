"""The long drill: `python -m tests.drills --commands 1000000`, or `make drill`."""

import argparse
import asyncio
import json
import random
import shutil
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from tests.drills.complaint import report
from tests.drills.long_run import Run, long_run
from tests.drills.servers import ROOT, servers

RESULTS: Final = ROOT / ".local" / "drill"
LOGS: Final = RESULTS / "logs"


def main() -> None:
    """Exit code 1 when a promise was broken."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.drills", description="Break everything on purpose, for long."
    )
    parser.add_argument("--commands", type=int, default=200_000, help="how many (default: %(default)s)")
    parser.add_argument("--seed", type=int, help="to repeat a run; drawn at random otherwise")
    options = parser.parse_args()
    seed = random.randrange(10**6) if options.seed is None else options.seed
    sys.exit(asyncio.run(_main(options.commands, seed)))


async def _main(commands: int, seed: int) -> int:
    console = Console()
    console.print(f"seed {seed}: {commands:,} commands on servers of their own; logs in {LOGS}")
    shutil.rmtree(LOGS, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix="drill-") as data:
        async with servers(Path(data)) as found:
            run = await long_run(found, LOGS, seed, commands, console)
    _keep(run.figures)
    _show(console, run)
    if run.complaints:
        console.print(report(seed, run.complaints), markup=False, highlight=False, soft_wrap=True)
        return 1
    console.print("Every promise was kept.")
    return 0


def _keep(figures: dict[str, Any]) -> None:
    RESULTS.mkdir(parents=True, exist_ok=True)
    kept = {"at": datetime.now(UTC).isoformat(timespec="seconds"), **figures}
    (RESULTS / "latest.json").write_text(json.dumps(kept, indent=2) + "\n")


def _show(console: Console, run: Run) -> None:
    table = Table(title="The drill", title_justify="left", show_header=False)
    for name, value in run.figures.items():
        if name not in ("breakages", "killed_at"):
            table.add_row(name.replace("_", " "), words(value))
    console.print(table)
    broken = Table(title="Breakages, and the seconds until the lanes had caught up", title_justify="left")
    for column in ("breakage", "times", "median", "longest", "not recovered"):
        broken.add_column(column, justify="left" if column == "breakage" else "right")
    for name, recovery in run.figures["breakages"].items():
        broken.add_row(name, *("-" if value is None else str(value) for value in recovery.values()))
    console.print(broken)


def words(value: Any) -> str:
    """A figure as a person reads it."""
    if isinstance(value, dict):
        return ", ".join(f"{name} {number:,}" for name, number in value.items()) or "none"
    return f"{value:,}" if isinstance(value, int | float) else str(value)


if __name__ == "__main__":
    main()
