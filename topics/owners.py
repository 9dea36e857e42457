"""Who has to act on a dead letter: it follows from its reason and from who writes to the topic it stood on."""

from enum import StrEnum
from typing import Final, assert_never

from topics.codec import Reason
from topics.table import BRAINTREE_WEBHOOKS, EVENTS, STRIPE_WEBHOOKS


class Owner(StrEnum):
    """Whose a dead letter is. Bounded, so it may label a metric."""

    PUBLISHER = "publisher"
    """Who wrote the record to its lane: an upstream service or an entry point, named in its `ce_source`."""
    SUPPORT = "support"
    """Who knows the account: the letter is about a customer, not about a broken record."""
    ON_CALL = "on_call"
    """Whoever runs the fleet: it is older than what it is sent, or can't read what it wrote itself."""


_WRITTEN_BY_THE_FLEET: Final = frozenset(
    topic.name for topic in (EVENTS, STRIPE_WEBHOOKS, BRAINTREE_WEBHOOKS)
)
"""There is no other publisher who could mend what stands here: processors do not answer to us."""


def owner(reason: Reason, topic: str) -> Owner:
    """Who has to act on a letter of this reason from this topic."""
    found = _by_reason(reason)
    return Owner.ON_CALL if found is Owner.PUBLISHER and topic in _WRITTEN_BY_THE_FLEET else found


def _by_reason(reason: Reason) -> Owner:
    """The type checker refuses a reason that nobody owns."""
    match reason:
        case (
            Reason.NO_BODY
            | Reason.OVERSIZED
            | Reason.BAD_HEADER
            | Reason.WRONG_LANE
            | Reason.BAD_ID
            | Reason.SKEWED_ID
            | Reason.BAD_KEY
            | Reason.BAD_BODY
        ):
            return Owner.PUBLISHER
        case Reason.UNKNOWN_TYPE:
            return Owner.ON_CALL
        case Reason.DISCARDED | Reason.UNKNOWN_CUSTOMER:
            return Owner.SUPPORT
        case _:
            assert_never(reason)
