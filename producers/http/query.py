"""What stands beside the body: query parameters and conditions, of which none is passed over in silence."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from starlette.requests import Request

from handlers.decision import Problem
from producers.http.errors import invalid
from producers.http.mistakes import MOST, mistaken, pointer

_CONDITIONS: Final = frozenset({b"if-match", b"if-unmodified-since"})

MOST_VERSION: Final = 999_999_999


@dataclass(frozen=True, slots=True)
class Whole:
    """A parameter that takes a whole number from `least` to `most`, and what it means."""

    meaning: str
    least: int
    most: int


def check(request: Request, known: Collection[str]) -> None:
    """Every parameter is one of `known`, and there once. Raises 1400, which names each that is not."""
    if not request.scope["query_string"]:
        return
    names = [name for name, _ in request.query_params.multi_items()]
    wrong = [
        Problem(pointer((name,)), _sentence(name, known))
        for name in dict.fromkeys(names)
        if name not in known or names.count(name) > 1
    ]
    if wrong:
        raise mistaken(tuple(wrong[:MOST]))


def check_conditions(request: Request) -> None:
    """Conditional changes by header are refused, not done unconditionally. Raises 1400."""
    if any(name in _CONDITIONS for name, _ in request.scope["headers"]):
        raise invalid(
            "If-Match and If-Unmodified-Since are not understood here, so nothing was changed. Leave them out; where "
            "the documentation names `expected_version`, send that to guard against a concurrent change."
        )


def expected_version(request: Request) -> int | None:
    """The parameter `expected_version`, a positive integer. Raises 1400."""
    given = request.query_params.get("expected_version")
    if given is None:
        return None
    if not (given.isascii() and given.isdecimal() and int(given[:10]) > 0 and len(given) <= 9):
        wrong = Problem("/expected_version", "Send the version you read, a positive number.")
        raise mistaken((wrong,))
    return int(given)


def _sentence(name: str, known: Collection[str]) -> str:
    if name in known:
        return "Send this query parameter once."
    there = f"There is only: {', '.join(sorted(known))}." if known else "There are none here."
    return f"There is no such query parameter. {there} Check its spelling, or leave it out."
