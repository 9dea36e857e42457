"""The grid: a capability has one name, and that name is its module in every room it needs (DESIGN.md 2)."""

from collections.abc import Iterator
from pathlib import Path

EVERYWHERE = (
    "topics/{name}.py",
    "handlers/{name}.py",
    "state/postgres/{name}.py",
    "state/postgres/{name}.sql",
    "tests/handlers/test_{name}.py",
)
OF_THE_LOOP = {
    "parking": (
        "topics/{name}.py",
        "state/postgres/{name}.py",
        "state/postgres/{name}.sql",
        "tests/consumers/test_{name}.py",
    )
}
"""Commands that the loop takes itself, about its own shelf: no handler decides about them."""

PARTLESS = frozenset({"drift"})
"""Capabilities that decide about the parts of others and keep nothing of an account's that is decided upon."""


def name_of(module: object) -> str:
    """The name of a capability by one of its modules."""
    return str(getattr(module, "__name__", "")).rpartition(".")[2]


def violations(root: Path, name: str) -> Iterator[str]:
    """The files that a capability lacks."""
    for pattern in OF_THE_LOOP.get(name, EVERYWHERE):
        path = pattern.format(name=name)
        if not (root / path).is_file():
            yield f"{path}:1: is missing: the capability `{name}` has its module in every room, and its test."
