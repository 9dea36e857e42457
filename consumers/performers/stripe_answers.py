"""From Stripe's answers to outcomes: a value to go on with, or the end of this attempt."""

from datetime import timedelta
from typing import TypeVar

from consumers.performing import Postponed, Work
from state.redis.budget import Priority
from state.stripe.answers import Answer, Done, Limited, Refused, Unknown
from state.stripe.client import Caller, Stripe

T = TypeVar("T")


class RefusedError(Exception):
    """Stripe will never do it."""

    def __init__(self, refused: Refused) -> None:
        super().__init__(refused.reason)
        self.refused = refused


class PostponedError(Exception):
    """Not now."""

    def __init__(self, outcome: Postponed) -> None:
        super().__init__(outcome.cause)
        self.outcome = outcome


def done(answer: Answer[T]) -> T:
    """What Stripe said. Raises `RefusedError` or `PostponedError`."""
    match answer:
        case Done(value):
            return value
        case Refused():
            raise RefusedError(answer)
        case Limited(seconds, cause):
            raise PostponedError(Postponed(cause, timedelta(seconds=seconds), counted=False))
        case Unknown(cause):
            raise PostponedError(Postponed(f"outcome unknown: {cause}"))


def caller(stripe: Stripe, work: Work) -> Caller:
    """Stripe as this work may ask it: not without a lease that outlasts the call."""
    return Caller(stripe, Priority.CUSTOMER, lambda: work.still_ours(stripe.timeout))
