"""What a check found wrong, for a person: which promise, where, and the difference."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

SHOWN = 25


@dataclass(frozen=True, slots=True)
class Complaint:
    """One broken promise."""

    promise: str
    where: str
    difference: str

    def __str__(self) -> str:
        return f"{self.promise}: {self.where}: {self.difference}"


def report(seed: int, complaints: Sequence[Complaint]) -> str:
    """All of it in a few lines: how many of each kind, and the first of them."""
    counts: dict[str, int] = {}
    for complaint in complaints:
        counts[complaint.promise] = counts.get(complaint.promise, 0) + 1
    lines = [f"seed {seed}: {len(complaints)} complaints"]
    lines += [f"  {number} x {promise}" for promise, number in sorted(counts.items())]
    lines += [f"- {complaint}" for complaint in complaints[:SHOWN]]
    return "\n".join(lines)


def differing(expected: Any, found: Any) -> str:
    """Where two values differ, field by field if they are alike."""
    if isinstance(expected, Mapping) and isinstance(found, Mapping):
        names = [name for name in {**expected, **found} if expected.get(name) != found.get(name)]
        return "; ".join(f"{name}: {differing(expected.get(name), found.get(name))}" for name in names)
    if isinstance(expected, list | tuple) and isinstance(found, list | tuple):
        return _first_difference(expected, found)
    return f"expected {_short(expected)}, found {_short(found)}"


def _first_difference(expected: Sequence[Any], found: Sequence[Any]) -> str:
    at = next((n for n, (a, b) in enumerate(zip(expected, found, strict=False)) if a != b), None)
    if at is None:
        at = min(len(expected), len(found))
    one = expected[at] if at < len(expected) else "nothing"
    other = found[at] if at < len(found) else "nothing"
    sizes = f"{len(expected)} expected, {len(found)} found"
    return f"{sizes}; the first to differ is no. {at}: {differing(one, other)}"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 300 else f"{text[:300]}..."
