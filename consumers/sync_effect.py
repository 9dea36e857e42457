"""The effect that owes an account's sync with Stripe: at most one is open for an account, however much changed."""

from datetime import datetime
from typing import Final

import orjson
from uuid6 import uuid7

from handlers.stripe_customers import STRIPE
from state.postgres.effects import EffectRow

SYNC_EFFECT: Final = "stripe.sync_customer"
COALESCE: Final = "sync"
FORCE: Final = "force"


def sync_row(account_id: str, *, cause: str | None, now: datetime, force: bool = False) -> EffectRow:
    """The row to owe; `force` writes to Stripe even if nothing seems to differ."""
    payload = orjson.dumps({FORCE: True} if force else {}).decode()
    return (account_id, uuid7(), SYNC_EFFECT, STRIPE, COALESCE, payload, cause, now, None)
