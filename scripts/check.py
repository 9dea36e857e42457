"""`make check`: everything that is quick to know, side by side where it pays."""

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

BIN = Path(sys.executable).parent
QUICK = "not stack and not drill and not program"
STEPS = {
    "format": ("ruff", "format", "--check", "."),
    "lint": ("ruff", "check", "."),
    "imports": ("lint-imports",),
    "documents": ("python", "-m", "fleet.documents", "--check"),
    "fast tests": ("pytest", "-q", "-n", "2", "-m", QUICK, "-p", "no:cacheprovider"),
    "types": ("mypy", "."),
}


def run(name: str) -> tuple[str, float, subprocess.CompletedProcess[str]]:
    """One step: its name, its seconds and what it said."""
    tool, *arguments = STEPS[name]
    started = time.monotonic()
    done = subprocess.run([BIN / tool, *arguments], capture_output=True, text=True, check=False)  # noqa: S603
    return name, time.monotonic() - started, done


def main() -> int:
    """Run all steps on two cores; print one line each, and the whole output of what failed."""
    failed = 0
    with ThreadPoolExecutor(2) as pool:
        # The longest first, so that the short ones fill up the other core.
        for name, seconds, done in pool.map(
            run, ("types", "fast tests", *(n for n in STEPS if n not in LONG))
        ):
            print(f"{'ok  ' if done.returncode == 0 else 'FAIL'} {name:<12} {seconds:5.1f} s", flush=True)
            if done.returncode:
                failed += 1
                print(done.stdout + done.stderr)
    return 1 if failed else 0


LONG = ("types", "fast tests")

if __name__ == "__main__":
    sys.exit(main())
