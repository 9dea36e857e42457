"""The effect that owes an account's sync with Stripe: at most one is open for an account, however much changed."""

from typing import Final

import orjson
from uuid6 import uuid7

from handlers.stripe_customers import STRIPE
from state.postgres.effects import QUIET, EffectRow
from topics.message import Urgency

SYNC_EFFECT: Final = "stripe.sync_customer"
COALESCE: Final = "sync"
FORCE: Final = "force"


def sync_row(
    account_id: str, *, cause: str | None, urgency: Urgency = Urgency.CUSTOMER, force: bool = False
) -> EffectRow:
    """The row to owe, run when the changes have settled; `force` writes at once, even if nothing seems to differ."""
    return EffectRow(
        account_id,
        uuid7(),
        SYNC_EFFECT,
        STRIPE,
        COALESCE,
        orjson.dumps({FORCE: True} if force else {}).decode(),
        cause,
        urgency=urgency,
        quiet=None if force else QUIET,
    )
