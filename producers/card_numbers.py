"""Full card numbers are never taken in, wherever they stand in a request (DOMAIN.md 4)."""

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

from handlers.decision import Problem
from producers.http.mistakes import pointer

_APART: Final = r"[\W_]{1,8}"
"""What may stand between two groups of digits: anything that is neither letter nor digit."""
_GROUPED: Final = (
    r"[2-6]\d{12,18}",
    rf"[2-6]\d{{3}}(?:{_APART}\d{{4}}){{2}}{_APART}\d{{1,7}}",
    rf"[2-6]\d{{3}}(?:{_APART}\d{{4}}){{3}}{_APART}\d{{1,3}}",
    rf"[2-6]\d{{3}}{_APART}\d{{6}}{_APART}\d{{4,5}}",
    rf"[2-6]\d{{7}}{_APART}\d{{8}}",
    rf"[2-6](?:{_APART}\d){{12,18}}",
)
"""How people write card numbers: as printed on the card, in one piece, in halves, digit by digit. Digits grouped in
another way are house numbers, dates and telephones, one in ten of which would have a valid check digit."""
_NUMBERS: Final = tuple(re.compile(rf"(?<!\d)(?=({grouped})(?!\d))") for grouped in _GROUPED)
"""Each looks ahead, so that what follows another number is found too: `Card 2345 4242 ...`."""
_ALONE: Final = re.compile(r"\d+(?:[\W_]{1,8}\d+)*")
_LENGTHS: Final = range(13, 20)
_LONGEST: Final = 4096
"""Far more than any field takes: what is longer is refused for its length, or is not taken in at all."""
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
        if isinstance(value, str)
        and len(value) <= _LONGEST
        and any(_luhn(found) for found in _numbers(value, whole=name in opaque))
    )


def _numbers(value: str, *, whole: bool) -> Iterator[str]:
    text = re.sub(r"\d", lambda digit: str(int(digit[0])), value)
    if not whole:
        for number in _NUMBERS:
            yield from (re.sub(r"\D", "", found) for found in number.findall(text))
    elif _ALONE.fullmatch(text.strip()):
        digits = re.sub(r"\D", "", text)
        yield from (digits,) if len(digits) in _LENGTHS else ()


def _luhn(text: str) -> bool:
    digits = [int(one) for one in text]
    doubled = [digit * 2 - 9 if digit > 4 else digit * 2 for digit in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0
