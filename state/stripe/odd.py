"""What Stripe shows and this version does not understand: a state, or a form, of tomorrow. One holds up no other."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeVar

from pydantic import ValidationError

One = TypeVar("One", bound=StrEnum)

ODD: Final = (ValueError, LookupError, TypeError, AttributeError)
"""What reading such an object raises."""
_LONGEST: Final = 60


class NotUnderstoodError(ValueError):
    """An object can't be told of. Its text names no value but Stripe's own words, and is fit for keeping."""


@dataclass(frozen=True, slots=True)
class Odd:
    """An object of a list of which no more is known than whose it is, and why."""

    id: str
    customer_id: str
    reason: str


def known(kinds: type[One], name: str, value: object) -> One:
    """The value as one of those that are known here. Raises `NotUnderstoodError`."""
    try:
        return kinds(str(value))
    except ValueError:
        raise NotUnderstoodError(f"{name} {str(value)[:_LONGEST]}") from None


def reason(error: Exception) -> str:
    """Why an object is odd, without what stands in it."""
    if isinstance(error, NotUnderstoodError):
        return str(error)
    if isinstance(error, ValidationError):
        return ", ".join(sorted({".".join(map(str, one["loc"])) for one in error.errors()}))
    return type(error).__name__
