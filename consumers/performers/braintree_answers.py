"""Braintree as a piece of work may ask it, and what it said of an object that was read."""

from datetime import UTC, datetime
from typing import TypeVar

from consumers.performing import Work
from state.braintree.client import Braintree, Caller
from state.redis.budget import Priority
from state.stripe.answers import Answer, Done, Refused
from topics.observation import Observation

T = TypeVar("T")


def caller(braintree: Braintree, work: Work) -> Caller:
    """In its turn, and not without a lease that outlasts the call."""
    return Caller(braintree, Priority[work.effect.urgency.name], lambda: work.still_ours(braintree.timeout))


def seen(answer: Answer[T]) -> Observation:
    """When the answer's object was read."""
    at = answer.at if isinstance(answer, Done | Refused) else None
    return Observation(at=at or datetime.now(UTC).replace(microsecond=0))
