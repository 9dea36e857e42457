"""The long drill of the PayPal fix: `python -m tests.drills.paypal --methods 5000`; `make drill` runs it too."""

import argparse
import asyncio
import json
import random
import shutil
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.drills.__main__ import RESULTS
from tests.drills.arena import arena
from tests.drills.complaint import report
from tests.drills.paypal.drill import Report, paypal_drill
from tests.drills.servers import servers

LOGS = RESULTS / "logs-paypal"


def main() -> None:
    """Exit code 1 when a promise was broken."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.drills.paypal", description="Move PayPal methods while everything is killed."
    )
    parser.add_argument("--methods", type=int, default=5000, help="how many (default: %(default)s)")
    parser.add_argument("--seed", type=int, help="to repeat a run; drawn at random otherwise")
    options = parser.parse_args()
    seed = random.randrange(10**6) if options.seed is None else options.seed
    sys.exit(asyncio.run(_main(options.methods, seed)))


async def _main(methods: int, seed: int) -> int:
    console = Console()
    console.print(f"seed {seed}: {methods:,} PayPal methods; logs in {LOGS}")
    shutil.rmtree(LOGS, ignore_errors=True)
    with (
        tempfile.TemporaryDirectory(prefix="drill-") as data,
        console.status("moving them while processes are killed"),
    ):
        async with servers(Path(data)) as found, arena(found, LOGS, seed, 1) as drill:
            ended = await paypal_drill(drill, methods)
    _keep(ended)
    _show(console, ended)
    if ended.complaints:
        console.print(report(seed, ended.complaints), markup=False, highlight=False, soft_wrap=True)
        return 1
    console.print("Each method ended in its right state; none was lost, none was charged.")
    return 0


def _keep(ended: Report) -> None:
    RESULTS.mkdir(parents=True, exist_ok=True)
    kept = {"at": datetime.now(UTC).isoformat(timespec="seconds"), **ended.figures}
    (RESULTS / "paypal.json").write_text(json.dumps(kept, indent=2) + "\n")


def _show(console: Console, ended: Report) -> None:
    table = Table(title="The drill of the PayPal fix", title_justify="left", show_header=False)
    for name, value in ended.figures.items():
        words = (
            ", ".join(f"{one} {count:,}" for one, count in value.items())
            if isinstance(value, dict)
            else f"{value:,}"
        )
        table.add_row(name.replace("_", " "), words)
    console.print(table)


if __name__ == "__main__":
    main()
