"""Of what Stripe lists that which is understood; an object that is not is logged, and holds up no other."""

from collections.abc import Sequence

import structlog

from consumers.performers.stripe_answers import RefusedError
from state.stripe.answers import Refused
from state.stripe.odd import Odd
from state.stripe.payment_methods import Method
from state.stripe.subscriptions import Subscription

log = structlog.get_logger()

NOT_UNDERSTOOD = "not_understood"


def understood(listed: Sequence[Subscription | Odd]) -> list[Subscription]:
    """The subscriptions that can be told of."""
    for one in listed:
        if isinstance(one, Odd):
            noted(one.id, one.customer_id, one.reason)
    return [one for one in listed if isinstance(one, Subscription)]


def understood_methods(listed: Sequence[Method]) -> list[Method]:
    """The methods that can be told of, and those of kinds that are not kept."""
    for one in listed:
        if one.odd:
            noted(one.id, one.customer_id, one.odd)
    return [one for one in listed if not one.odd]


def alone(shown: Subscription | Odd) -> Subscription:
    """The subscription that was asked for by itself. Raises `RefusedError` when it is not understood."""
    if isinstance(shown, Odd):
        raise RefusedError(Refused(sentence(shown.id, shown.reason), 200, NOT_UNDERSTOOD))
    return shown


def sentence(object_id: str, reason: str) -> str:
    """For support."""
    return f"{object_id} is not understood ({reason}): what is known of it stays as it is."


def noted(object_id: str, customer_id: str | None, reason: str) -> None:
    """Log an object that is not understood."""
    log.warning("object_not_understood", object=object_id, customer=customer_id, reason=reason)
