"""What came of a request to Stripe or Braintree, as plain values: done, or the customer's turn, refused or declined,
limited, unknown.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Done(Generic[T]):
    """Stripe did it and said `value`, at `at` by its own clock in whole seconds.

    `replayed`: it said so before, to an earlier request with this key; the object may have changed since.
    """

    value: T
    replayed: bool = False
    at: datetime | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class NeedsCustomer(Done[T]):
    """Stripe did it, and `value` is of use once its customer has done the `action`: Stripe's type of `next_action`.

    That is 3-D Secure, or small deposits to verify. What is there stays open and is finished, not begun again.
    Braintree has nothing like it: a payer's turn there comes with a decline, and `advice` to begin again.
    """

    action: str = ""


@dataclass(frozen=True, slots=True)
class Refused:
    """Stripe will not do it, however often it is asked. `reason` is fit for support and for keeping.

    `param` names what in the request it objects to.
    """

    reason: str
    status: int
    code: str | None = None
    param: str | None = None
    at: datetime | None = field(default=None, compare=False)

    @property
    def missing(self) -> bool:
        """Whether the object asked for is not there."""
        return self.code == "resource_missing"


@dataclass(frozen=True, slots=True)
class Declined(Refused):
    """The bank, or Stripe for it, will not have this method. `sentence` is fit for the customer.

    `permanent`: this method will not do, now or later; otherwise it may on another day. `advice` says what to do
    where that depends on neither: its customer has to authenticate, or to give a new agreement. Nothing is left open
    that could be finished, so none of these is a `NeedsCustomer`.
    """

    decline_code: str | None = None
    sentence: str = ""
    permanent: bool = False
    advice: str | None = None

    @property
    def most_exact(self) -> str:
        """The code that says most: the bank's, else Stripe's."""
        return self.decline_code or self.code or "card_declined"


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
"""A `Declined` is a `Refused` that says more, and a `NeedsCustomer` a `Done` that says more."""
