"""Setup intents that a page may still complete: each takes the place of the method that it may bring (DOMAIN.md 4)."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from topics.value import value

AUTHENTICATION: Final = timedelta(hours=1)
"""The time that a customer has to complete a setup; what is not done by then is released."""
VERIFICATION: Final = timedelta(days=10)
"""The time to verify a bank account by small deposits, which arrive within a few days."""
REMEMBERED: Final = timedelta(days=1)
"""How long after its deadline it is remembered what a setup brought: a page may come back with it."""


@value
class OpenSetup:
    """A setup intent by the id of the command that asked for it; it has none while it is being made.

    `over` when nothing can come of it any more, or nothing shall. `brought`: Stripe's id of the method it brought.
    `customer_id`: for which of Stripe's customers it is, as far as that is known. `erased`: so was the account that
    had it.
    """

    id: str
    deadline: datetime
    setup_intent: str | None = None
    over: bool = False
    brought: str | None = None
    customer_id: str | None = None
    erased: bool = False


Setups = tuple[OpenSetup, ...]


def waiting(setups: Setups) -> list[OpenSetup]:
    """Those of which a method may come, the one that ends first before the others.

    Also past the deadline: until somebody has looked, its page may have been quicker.
    """
    return sorted((one for one in setups if not one.over), key=lambda one: (one.deadline, one.id))


def put(setups: Setups, now: datetime, changed: Iterable[OpenSetup]) -> Setups:
    """With these in the place of their former selves, and without what is long past."""
    after = {**{one.id: one for one in setups}, **{one.id: one for one in changed}}
    return tuple(one for one in after.values() if now < one.deadline + REMEMBERED)


def of_intent(setups: Setups, setup_intent: str | None) -> OpenSetup | None:
    """The one with this setup intent."""
    return next((one for one in setups if setup_intent and one.setup_intent == setup_intent), None)


def altered(setup: OpenSetup, **fields: Any) -> OpenSetup:
    """The same after a change."""
    after: OpenSetup = replace(setup, **fields)
    return after
