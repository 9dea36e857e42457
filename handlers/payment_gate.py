"""The gate before a change of subscriptions: is there a method to charge, and if not, what to do (DOMAIN.md 4)."""

from datetime import datetime
from typing import Final

from handlers.card_expiry import past
from handlers.payment_method import PaymentMethods, ladder, living
from topics.payment_methods import MethodState
from topics.value import value

WAY_OUT: Final = "Add one with a client secret from POST .../client-secret, then try again."
NONE: Final = "There is no payment method on file."
_STANDING: Final = {
    MethodState.PENDING_SETUP: "The payment method is not set up yet: its authentication is to be completed.",
    MethodState.EXPIRED: "The card has expired.",
}


@value
class Verdict:
    """Whether subscriptions may change: `method_id` is what would be charged, else `reason` and `way_out`."""

    passes: bool
    method_id: str | None = None
    reason: str | None = None
    way_out: str | None = None


def gate(methods: PaymentMethods, now: datetime) -> Verdict:
    """A missing, expired or unfinished method does not pass (1210), and one that was revoked is remembered."""
    usable = [one for one in ladder(methods) if not past(one.details, now)]
    if usable:
        return Verdict(True, usable[0].id)
    standing = living(methods)
    reason = _STANDING.get(standing[0].state, "The card has expired.") if standing else _missing(methods)
    return Verdict(False, None, reason, WAY_OUT)


def _missing(methods: PaymentMethods) -> str:
    """That there is none, and why the last one went that was not taken away by its owner."""
    revoked = [one for one in methods.methods.values() if one.state is MethodState.REVOKED]
    last = max(revoked, key=lambda one: one.edited_on, default=None)
    return f"{NONE} {last.reason}" if last and last.reason else NONE
