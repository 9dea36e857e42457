"""What is wrong with a request, in sentences a customer can act on; the validator's own words stay inside."""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from handlers.decision import Problem
from producers.http.errors import ApiError, invalid
from topics.codes import Code
from topics.ids import ACCOUNT_ID_PATTERN
from topics.stripe_customers import CUSTOMER_ID_PATTERN

Limits = Mapping[str, Any]
"""What the validator says of the rule that was broken, such as `max_length`."""

MOST: Final = 50
"""Mistakes that are told of one request."""
NO_SUCH_FIELD: Final = "There is no such field here. Check its spelling, or leave it out."
NEUTRAL: Final = "This value can't be taken. Send it as the API's documentation describes this field."

NOWHERE: Final[Mapping[str, str]] = {}

FORMS: Final[Mapping[str, str]] = {
    ACCOUNT_ID_PATTERN: "Send an account id: 32 characters, each a digit or a lower-case letter from a to f.",
    CUSTOMER_ID_PATTERN: "Send the id of a Stripe customer: `cus_`, then letters and digits.",
}
"""By the pattern that a text does not follow."""

_FIXED: Final[Mapping[str, str]] = {
    "extra_forbidden": NO_SUCH_FIELD,
    "missing": "This field is required. Add it.",
    "string_type": "Send text, in quotes.",
    "int_type": "Send a whole number, without quotes.",
    "bool_type": "Send true or false, without quotes.",
    "list_type": "Send a list, in square brackets.",
    "tuple_type": "Send a list, in square brackets.",
    "model_type": "Send a JSON object.",
    "dict_type": "Send a JSON object.",
}
_FILLED: Final[Mapping[str, Callable[[Limits], str]]] = {
    "string_too_long": lambda limits: f"Send {_many(limits['max_length'], 'character')} at most.",
    "string_too_short": lambda limits: f"Send at least {_many(limits['min_length'], 'character')}.",
    "string_pattern_mismatch": lambda limits: FORMS.get(limits["pattern"], NEUTRAL),
    "too_long": lambda limits: f"Send {_many(limits['max_length'], 'entry', 'entries')} at most.",
    "too_short": lambda limits: f"Send at least {_many(limits['min_length'], 'entry', 'entries')}.",
    "greater_than_equal": lambda limits: f"Send a number that is {limits['ge']} or more.",
    "less_than_equal": lambda limits: f"Send a number that is {limits['le']} or less.",
    "enum": lambda limits: f"Send one of: {_listed(limits['expected'])}.",
    "literal_error": lambda limits: f"Send one of: {_listed(limits['expected'])}.",
}
_PLACE: Final = re.compile(r"line (\d+) column (\d+)")


def explained(error: ValidationError, elsewhere: Mapping[str, str] = NOWHERE) -> ApiError:
    """1400, with a pointer and a sentence for each mistake. Nothing that was sent is repeated but names of fields.

    `elsewhere` has the sentences of fields that belong into another request.
    """
    found = error.errors(include_url=False, include_context=True, include_input=False)
    if found[0]["type"] == "json_invalid":
        return not_json(str(found[0].get("ctx", {}).get("error", "")))
    return mistaken(tuple(Problem(pointer(item["loc"]), sentence(item, elsewhere)) for item in found[:MOST]))


def mistaken(problems: tuple[Problem, ...]) -> ApiError:
    """1400 about these fields."""
    return ApiError(Code.INVALID, "The request is not valid.", problems)


def not_json(parser: str = "") -> ApiError:
    """1400 about the body as a whole; the line and column are taken from what the parser says."""
    place = _PLACE.search(parser)
    where = f" It can't be read at line {place[1]}, column {place[2]}." if place else ""
    return invalid(f"The body is not valid JSON.{where} Correct it, or use a library that writes JSON.")


def sentence(item: ErrorDetails, elsewhere: Mapping[str, str] = NOWHERE) -> str:
    """What to do about one mistake."""
    if item["type"] == "extra_forbidden" and len(item["loc"]) == 1 and item["loc"][0] in elsewhere:
        return elsewhere[str(item["loc"][0])]
    if fixed := _FIXED.get(item["type"]):
        return fixed
    filled = _FILLED.get(item["type"])
    return filled(item.get("ctx", {})) if filled else NEUTRAL


def pointer(place: tuple[int | str, ...]) -> str:
    """RFC 6901."""
    return "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in place)


def _many(number: int, one: str, more: str | None = None) -> str:
    return f"{number} {one if number == 1 else more or one + 's'}"


def _listed(expected: str) -> str:
    """The values without the quotes and the "or" between the last two."""
    return ", ".join(re.findall(r"'([^']*)'", expected))
