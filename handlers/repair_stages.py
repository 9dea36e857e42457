"""How much may be repaired at once: from one account to all of them, a stage at a time (DOMAIN.md 8)."""

from collections.abc import Iterable
from typing import Final

from topics.value import value

SINGLE: Final = 0
STAGES: Final = (SINGLE, 5, 10, 25, 50, 100)
"""Percent of all accounts; the first is accounts that are named."""
_NONE: Final = -1


@value
class Run:
    """A run of repairs: `clean` when it came to its end and nothing that it was asked to end is still open."""

    share: int
    clean: bool


def widest(runs: Iterable[Run]) -> int:
    """The largest share that may be repaired now, after these runs, oldest first.

    Each clean run opens the stage after its own; one that was not clean sends everybody back to single accounts.
    """
    reached = _NONE
    for run in runs:
        reached = max(reached, run.share) if run.clean else _NONE
    return next((stage for stage in STAGES if stage > reached), STAGES[-1])
