"""The three lanes: the same loop over three topics that differ in urgency (DESIGN.md 3)."""

from dataclasses import dataclass
from typing import Final

from handlers.policy import USUAL, Policy
from topics.message import Kind, Urgency
from topics.table import BULK, COMMANDS, FACTS, Topic


@dataclass(frozen=True, slots=True)
class Lane:
    """A topic, the group that applies it and what it may carry.

    `fetch_wait_ms` bounds how long the broker holds a fetch open: short where somebody waits. `workers` and
    `batch` are at most so many, whatever the settings allow: a lane that nobody waits for works in small
    steps, one at a time, and so holds few rows that a customer's command may need, for a few milliseconds.
    `rest` is the seconds it rests after each second of work while callers wait for answers (resting.py).
    `policy` is what the business sets for the decisions of its handlers. `urgency` is that of the effects that its
    messages ask for, unless a message says otherwise.
    """

    name: str
    topic: Topic
    group: str
    kinds: frozenset[Kind]
    fetch_wait_ms: int
    workers: int
    batch: int
    urgency: Urgency
    rest: float = 0
    policy: Policy = USUAL


REST: Final = 0.5

LANES: Final = {
    "commands": Lane(
        "commands",
        COMMANDS,
        "billing.commands",
        frozenset({Kind.COMMAND, Kind.RESULT}),
        10,
        32,
        5000,
        Urgency.CUSTOMER,
    ),
    "facts": Lane(
        "facts", FACTS, "billing.facts", frozenset({Kind.FACT}), 100, 1, 100, Urgency.WEBHOOK, REST
    ),
    "bulk": Lane("bulk", BULK, "billing.bulk", frozenset({Kind.COMMAND}), 100, 1, 50, Urgency.SWEEP, REST),
}
