"""The fault plan: which requests go wrong, and how, as a test has asked."""

import random
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, fields
from enum import StrEnum
from typing import Any


class Kind(StrEnum):
    """What goes wrong; "after effect" leaves an effect that the client does not learn of, all others none."""

    TIMEOUT_BEFORE = "timeout_before"
    TIMEOUT_AFTER_EFFECT = "timeout_after_effect"
    RESET_BEFORE = "reset_before"
    RESET_AFTER_EFFECT = "reset_after_effect"
    ERROR_500_BEFORE = "error_500_before"
    ERROR_500_STORED = "error_500_stored"
    ERROR_500_AFTER_EFFECT = "error_500_after_effect"
    CONFLICT_409 = "conflict_409"
    LOCK_TIMEOUT = "lock_timeout"
    RATE_LIMIT = "rate_limit"
    SLOW = "slow"


MEANINGS = {
    Kind.TIMEOUT_BEFORE: "never answers, nothing is done",
    Kind.TIMEOUT_AFTER_EFFECT: "does it, stores the answer under the key, never answers",
    Kind.RESET_BEFORE: "resets the connection, nothing is done",
    Kind.RESET_AFTER_EFFECT: "does it, stores the answer under the key, resets the connection",
    Kind.ERROR_500_BEFORE: "answers 500, nothing is done or stored",
    Kind.ERROR_500_STORED: "answers 500 and stores that under the key, nothing is done",
    Kind.ERROR_500_AFTER_EFFECT: "does it, answers 500 and stores that under the key",
    Kind.CONFLICT_409: "answers 409 as if the key were in flight, nothing is done",
    Kind.LOCK_TIMEOUT: "answers 429 lock_timeout, nothing is done",
    Kind.RATE_LIMIT: "answers 429 as the limiter does, nothing is done",
    Kind.SLOW: "waits `seconds`, then does it, even if the client has left",
}


@dataclass(slots=True)
class Fault:
    """One entry of the plan and how often it was met.

    It concerns requests with this method (any when None) whose path matches `path` anywhere. Of those, only
    the `nth` (from 1), or each with `probability` by `seed`; never more than `times` in all (None: no end).
    `seconds`: how long `slow` waits, or a timeout stays silent before it closes the connection.
    """

    kind: Kind
    method: str | None = None
    path: str = ""
    nth: int | None = None
    times: int | None = 1
    probability: float = 1.0
    seed: int = 0
    seconds: float = 0.0
    id: int = 0
    seen: int = 0
    fired: int = 0
    _random: random.Random = field(default_factory=random.Random, repr=False)

    def __post_init__(self) -> None:
        self.kind = Kind(self.kind)
        self.seconds = self.seconds or (1.0 if self.kind is Kind.SLOW else 120.0)
        self._random.seed(self.seed)
        re.compile(self.path)

    def strikes(self, method: str, path: str) -> bool:
        """Whether this request is one of them; counts it."""
        if (self.method and self.method != method) or not re.search(self.path, path):
            return False
        self.seen += 1
        if self.times is not None and self.fired >= self.times:
            return False
        if self.nth is not None and self.seen != self.nth:
            return False
        if self.probability < 1 and self._random.random() >= self.probability:
            return False
        self.fired += 1
        return True

    def shown(self) -> dict[str, Any]:
        """As the control API tells it."""
        return {name: value for name, value in asdict(self).items() if not name.startswith("_")}


GIVEN = tuple(one.name for one in fields(Fault) if one.name not in ("id", "seen", "fired", "_random"))
_TYPES: dict[str, tuple[type, ...]] = {
    "kind": (str,),
    "method": (str, type(None)),
    "path": (str,),
    "nth": (int, type(None)),
    "times": (int, type(None)),
    "probability": (int, float),
    "seed": (int,),
    "seconds": (int, float),
}


def made(given: dict[str, Any]) -> Fault:
    """A fault from JSON. Raises ValueError or TypeError: a sentence about what is wrong."""
    if unknown := set(given) - set(GIVEN):
        raise ValueError(
            f"unknown fields of a fault: {', '.join(sorted(unknown))}; it has {', '.join(GIVEN)}"
        )
    for name, value in given.items():
        if not isinstance(value, _TYPES[name]) or isinstance(value, bool):
            raise TypeError(f"{name} cannot be {value!r}")
    if given.get("kind") not in list(Kind):
        raise ValueError(f"kind is one of {', '.join(Kind)}")
    method = given.get("method")
    try:
        return Fault(**{**given, "method": method.upper() if method else None})
    except re.error as error:
        raise ValueError(f"path is no regular expression: {error}") from error


class Plan:
    """The faults in the order they were added; the first that strikes is the one."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._last_id = 0

    def __iter__(self) -> Iterator[Fault]:
        return iter(self._faults)

    def add(self, fault: Fault) -> Fault:
        """Puts a fault at the end of the plan and gives it its id."""
        self._last_id += 1
        fault.id = self._last_id
        self._faults.append(fault)
        return fault

    def remove(self, id_: int | None = None) -> int:
        """Takes one fault out, or all; how many that were."""
        kept = [fault for fault in self._faults if id_ is not None and fault.id != id_]
        gone = len(self._faults) - len(kept)
        self._faults = kept
        return gone

    def strike(self, method: str, path: str) -> Fault | None:
        """The fault that this request meets; those behind it have not seen the request."""
        return next((fault for fault in self._faults if fault.strikes(method, path)), None)
