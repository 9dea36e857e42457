"""Every named point at which a process can be killed, found in the code itself."""

import re
from collections.abc import Sequence
from random import Random
from typing import Final

from tests.drills.servers import ROOT

_POINT: Final = re.compile(r'crash_point\("([a-z_]+\.[a-z_]+)"\)')

RARE: Final = (
    *("stripe.discarded", "payments.customer_read", "payments.email_in_doubt", "payments.email_given"),
    "sweeps.reading_noted",
)
"""Only reached when an account is linked by hand while its customer is being made, when support has it read, when a
payer without an e-mail is to be sent invoices, or when webhooks are lost for good. Tests of their own kill there."""


def crash_points(prefix: str) -> list[str]:
    """The names that begin with `prefix` and a dot, in no particular order."""
    code = "".join(
        path.read_text()
        for room in ("consumers", "producers", "state")
        for path in (ROOT / room).rglob("*.py")
    )
    return sorted({name for name in _POINT.findall(code) if name.startswith(f"{prefix}.")})


def passings(names: Sequence[str], rng: Random, *, most: int = 3) -> list[str]:
    """The points in random order, each at one of its first passings."""
    return [f"{name}:{rng.randint(1, most)}" for name in rng.sample(list(names), len(names))]


def dealt(names: Sequence[str], hands: int) -> list[list[str]]:
    """The points dealt out as evenly as can be."""
    return [list(names[hand::hands]) for hand in range(hands)]
