"""What came of a request to Stripe, as four plain values: done, refused, limited, unknown."""

from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Done(Generic[T]):
    """Stripe did it and said `value`. `replayed`: it said so before, to an earlier request with this key."""

    value: T
    replayed: bool = False


@dataclass(frozen=True, slots=True)
class Refused:
    """Stripe will not do it, however often it is asked. `reason` is fit for support and for keeping."""

    reason: str
    status: int
    code: str | None = None

    @property
    def missing(self) -> bool:
        """Whether the object asked for is not there."""
        return self.code == "resource_missing"


@dataclass(frozen=True, slots=True)
class Limited:
    """Not done for want of room, here or at Stripe; worth asking again after `retry_after` seconds."""

    retry_after: float
    cause: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """Done or not: nobody knows. `stored`: Stripe keeps this answer and will repeat it to the same key."""

    cause: str
    stored: bool = False


Answer = Done[T] | Refused | Limited | Unknown
