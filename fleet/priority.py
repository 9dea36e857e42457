"""Processes that nobody waits for give way on their machine: a command does not queue for a core behind them."""

import os
from collections.abc import Iterable
from typing import Final

BACKGROUND: Final = frozenset({"facts", "bulk", "webhooks", "sweeps"})
"""Members with much to do and nobody waiting for any one thing of it."""
NICENESS: Final = 10


def give_way(members: Iterable[str]) -> None:
    """Lower the priority of this process if all its members can wait."""
    if set(members) <= BACKGROUND:
        os.nice(NICENESS)
