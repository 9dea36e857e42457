"""`python -m bench`: every benchmark beside its rival, in one run, in under five minutes."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

from bench import apply
from bench.plan import Plan
from bench.servers import Servers
from bench.show import Show

Benchmark = Callable[[Servers, Plan, Path, Show], Awaitable[Any]]

BENCHMARKS: Final[dict[str, Benchmark]] = {"apply": apply.measure}
