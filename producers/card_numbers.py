"""Full card numbers are never taken in, wherever they stand in a request (DOMAIN.md 4)."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Final

from handlers.decision import Problem
from producers.http.mistakes import pointer

_RUN: Final = re.compile(r"\d+(?:[\W_]{1,3}\d+)*")
"""Digits with little between them that is neither letter nor digit: dots, dashes and spaces of any kind."""
_LENGTHS: Final = range(13, 20)
ADVICE: Final = (
    "This looks like a card number, which is never sent here. Collect cards with Stripe's own element."
)


def card_numbers(given: Mapping[str, Any], *, opaque: Collection[str] = ()) -> tuple[Problem, ...]:
    """The fields that hold what looks like a card number: 13 to 19 digits with a valid check digit.

    An `opaque` field has a processor's random name of something: only as a whole is it a card number, as one of 500
    such names has digits within it that would pass.
    """
    return tuple(
        Problem(pointer((name,)), ADVICE)
        for name, value in given.items()
        if isinstance(value, str) and any(_luhn(found) for found in _numbers(value, whole=name in opaque))
    )


def _numbers(value: str, *, whole: bool) -> Iterator[str]:
    if not whole:
        for run in _RUN.findall(value):
            yield from _within(re.findall(r"\d+", run))
    elif _RUN.fullmatch(value.strip()):
        digits = re.sub(r"\D", "", value)
        yield from (digits,) if len(digits) in _LENGTHS else ()


def _within(groups: Sequence[str]) -> Iterator[str]:
    """Every stretch of whole groups that is as long as a card number: `Card 2: 4242 ...` begins with another number."""
    for first in range(len(groups)):
        digits = ""
        for group in groups[first:]:
            digits += group
            if len(digits) in _LENGTHS:
                yield digits
            elif len(digits) > _LENGTHS[-1]:
                break


def _luhn(text: str) -> bool:
    digits = [int(one) for one in text]
    doubled = [digit * 2 - 9 if digit > 4 else digit * 2 for digit in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0
