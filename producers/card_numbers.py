"""Full card numbers are never taken in, wherever they stand in a request (DOMAIN.md 4)."""

import re
from collections.abc import Collection, Mapping
from typing import Any, Final

from handlers.decision import Problem
from producers.http.mistakes import pointer

_DIGITS: Final = re.compile(r"(?<!\d)\d(?:[ -]?\d){12,18}(?!\d)")
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


def _numbers(value: str, *, whole: bool) -> list[str]:
    return [value] if whole and _DIGITS.fullmatch(value.strip()) else [] if whole else _DIGITS.findall(value)


def _luhn(text: str) -> bool:
    digits = [int(one) for one in text if one.isdigit()]
    doubled = [digit * 2 - 9 if digit > 4 else digit * 2 for digit in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0
