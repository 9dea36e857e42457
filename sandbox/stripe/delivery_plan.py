"""The delivery plan: which events come late, twice, in another order or never, as a test has asked.

It is drawn when an event is emitted, by the seed and the event's place since the plan was set: the same events in
the same order meet the same fate, whatever the processes do meanwhile.
"""

import random
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from fnmatch import fnmatchcase
from typing import Any

from sandbox.stripe import settings
from sandbox.stripe.store import Store

SETTING = "delivery_plan"
MOST_COPIES, MOST_CONCURRENT = 100, 256


@dataclass(frozen=True, slots=True)
class Rule:
    """What happens to events of these types (`customer.*`); of several rules the first that matches counts.

    copies: how often an event is sent, with the probability `copied`; else once.
    delay, jitter: seconds of the double's clock before it is due, and up to so many more by chance, each copy
    on its own. window: events are held to the end of a window of so many seconds and come out shuffled.
    lose: the probability that it is never sent; `unnoticed`: and Stripe believes it was delivered.
    """

    types: tuple[str, ...] = ("*",)
    copies: int = 1
    copied: float = 1.0
    delay: float = 0.0
    jitter: float = 0.0
    window: float = 0.0
    lose: float = 0.0
    unnoticed: bool = False

    def concerns(self, type: str) -> bool:
        """Whether an event of this type is one of them."""
        return any(fnmatchcase(type, pattern) for pattern in self.types)

    def copies_of(self, at: float, chance: random.Random) -> Iterator["Copy"]:
        """The copies of an event emitted at that moment."""
        if chance.random() < self.lose:
            yield Copy("vanished" if self.unnoticed else "lost", at, 0.0)
            return
        for _ in range(self.copies if chance.random() < self.copied else 1):
            yield Copy("pending", self._due(at, chance), chance.random() if self.window else 0.0)

    def _due(self, at: float, chance: random.Random) -> float:
        ready = at + self.delay + self.jitter * chance.random()
        return (ready // self.window + 1) * self.window if self.window else ready


@dataclass(frozen=True, slots=True)
class Copy:
    """One sending of an event: its state, when it is due and its rank among those due at once."""

    state: str
    due: float
    rank: float


@dataclass(frozen=True, slots=True)
class Plan:
    """How events are delivered. `retry` seconds to the first retry, doubled each time; `timeout` of an attempt.

    `since` is the place of the last event before the plan.
    """

    rules: tuple[Rule, ...] = ()
    seed: int = 0
    concurrency: int = 16
    timeout: float = 10.0
    retry: float = 5.0
    since: int = 0

    def copies(self, type: str, at: float, place: str, seq: int) -> list[Copy]:
        """The fate of the event `seq` on its way to the endpoint at this place of the list."""
        rule = next((rule for rule in self.rules if rule.concerns(type)), Rule())
        chance = random.Random(f"{self.seed}/{seq - self.since}/{place}")  # noqa: S311 - a plan, no secret
        return list(rule.copies_of(at, chance))

    def shown(self) -> dict[str, Any]:
        """As the control API tells it and the store keeps it."""
        return asdict(self)


_NUMBERS = {"copied": (0, 1), "delay": (0, 1e9), "jitter": (0, 1e9), "window": (0, 1e9), "lose": (0, 1)} | {
    "timeout": (0.01, 600),
    "retry": (0, 1e6),
}
_WHOLE = {"copies": (1, MOST_COPIES), "seed": (-(2**63), 2**63), "concurrency": (1, MOST_CONCURRENT)}


def made(given: dict[str, Any], *, since: int) -> Plan:
    """A plan from JSON. Raises ValueError or TypeError: a sentence about what is wrong."""
    rules = given.get("rules", [])
    if not isinstance(rules, list) or not all(isinstance(one, dict) for one in rules):
        raise TypeError("rules are a list of objects")
    _check(given, {one.name for one in fields(Plan)} - {"since"})
    return Plan(**{**given, "rules": tuple(map(_rule, rules)), "since": since})


def current(store: Store) -> Plan:
    """The plan as it was set last, over restarts too."""
    kept = settings.read(store, SETTING)
    if kept is None:
        return Plan()
    rules = tuple(Rule(**{**one, "types": tuple(one["types"])}) for one in kept["rules"])
    return Plan(**{**kept, "rules": rules})


def set_(store: Store, given: dict[str, Any]) -> Plan:
    """Sets the plan for the events from now on. Raises as `made` does."""
    last = store.execute("SELECT coalesce(max(seq), 0) FROM events").fetchone()[0]
    plan = made(given, since=last)
    settings.write(store, SETTING, plan.shown())
    return plan


def _rule(given: dict[str, Any]) -> Rule:
    types = given.get("types", ["*"])
    if not isinstance(types, list) or not types or not all(isinstance(one, str) for one in types):
        raise TypeError("types are a list of event types, for example ['customer.*']")
    if not isinstance(given.get("unnoticed", False), bool):
        raise TypeError("unnoticed is true or false")
    _check(given, {one.name for one in fields(Rule)})
    return Rule(**{**given, "types": tuple(types)})


def _check(given: dict[str, Any], names: set[str]) -> None:
    if unknown := set(given) - names:
        raise ValueError(f"unknown: {', '.join(sorted(unknown))}; there is {', '.join(sorted(names))}")
    for name, value in given.items():
        least, most = {**_NUMBERS, **_WHOLE}.get(name, (None, None))
        if least is None or most is None:
            continue
        kinds = (int,) if name in _WHOLE else (int, float)
        if isinstance(value, bool) or not isinstance(value, kinds) or not least <= value <= most:
            raise ValueError(f"{name} is a number from {least} to {most}, not {value!r}")
