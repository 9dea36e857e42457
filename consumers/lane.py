"""The three lanes: the same loop over three topics that differ in urgency (DESIGN.md 3)."""

from dataclasses import dataclass
from typing import Final

from topics.message import Kind
from topics.table import BULK, COMMANDS, FACTS, Topic


@dataclass(frozen=True, slots=True)
class Lane:
    """A topic, the group that applies it and what it may carry.

    `fetch_wait_ms` bounds how long the broker holds a fetch open: short where somebody waits.
    """

    name: str
    topic: Topic
    group: str
    kinds: frozenset[Kind]
    fetch_wait_ms: int


LANES: Final = {
    "commands": Lane("commands", COMMANDS, "billing.commands", frozenset({Kind.COMMAND}), 10),
    "facts": Lane("facts", FACTS, "billing.facts", frozenset({Kind.FACT}), 100),
    "bulk": Lane("bulk", BULK, "billing.bulk", frozenset({Kind.COMMAND}), 100),
}
