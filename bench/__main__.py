"""`python -m bench`: every benchmark beside its rival, in one run, in under five minutes."""

import argparse
import asyncio
import json
import shutil
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

from rich.console import Console

from bench import apply, machine
from bench.plan import FULL, QUICK, Plan
from bench.servers import NoServersError, Servers, servers
from bench.show import Show, terminal

Benchmark = Callable[[Servers, Plan, Path, Show], Awaitable[Any]]

BENCHMARKS: Final[dict[str, Benchmark]] = {"apply": apply.measure}
