"""From Stripe's answers to outcomes: a value to go on with, or the end of this attempt."""

from datetime import UTC, datetime, timedelta
from typing import TypeGuard, TypeVar

from consumers.performing import Postponed, Work
from state.redis.budget import Priority
from state.stripe.answers import Answer, Done, Limited, Refused, Unknown
from state.stripe.client import Caller, Stripe
from topics.observation import Observation

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
    return reply(answer).value


def reply(answer: Answer[T]) -> Done[T]:
    """The answer itself, which may be `NeedsCustomer`. Raises as `done`."""
    match answer:
        case Done():
            return answer
        case Refused():
            raise RefusedError(answer)
        case Limited(seconds, cause):
            raise PostponedError(Postponed(cause, timedelta(seconds=seconds), counted=False))
        case Unknown(cause):
            raise PostponedError(Postponed(f"outcome unknown: {cause}"))


def look(answer: Answer[T]) -> tuple[T, Observation]:
    """What Stripe said of an object that was read, and when. Raises as `done`."""
    return done(answer), Observation(at=time_of(answer))


def time_of(answer: Answer[T]) -> datetime:
    """When Stripe looked, by its own clock; ours for an answer that does not say."""
    at = answer.at if isinstance(answer, Done | Refused) else None
    return at or datetime.now(UTC).replace(microsecond=0)


def is_missing(answer: Answer[T]) -> TypeGuard[Refused]:
    """Whether Stripe says that there is no such object."""
    return isinstance(answer, Refused) and answer.missing


def caller(stripe: Stripe, work: Work) -> Caller:
    """Stripe as this work may ask it: in its turn, and not without a lease that outlasts the call."""
    return Caller(stripe, Priority[work.effect.urgency.name], lambda: work.still_ours(stripe.timeout))
