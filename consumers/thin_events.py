"""Events that name their object without showing it: whoever knows the object owes a look at it.

An object that nobody knows (yet) waits like the webhook of an unknown customer, and may become a dead letter.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import orjson
from uuid6 import uuid7

from consumers.webhook_reading import Thin
from handlers.decision import EffectRequest
from handlers.payment_effects import align_stripe, read_method, read_subscription
from handlers.stripe_customers import read_customer
from state.postgres.effects import QUIET, EffectRow
from topics.message import Urgency

CUSTOMER: Final = "cus"
_LOOKS: Final[Mapping[str, Callable[[str], EffectRequest]]] = {
    "pm": read_method,
    "sub": read_subscription,
    CUSTOMER: lambda _: align_stripe(),
}
"""By the prefix of an object's id. Of a customer all that is ours is brought in line, which looks at it first."""


def concerns_us(thin: Thin) -> bool:
    """Whether it is about a kind of object that we keep anything of."""
    return _prefix(thin) in _LOOKS


def owed(thin: Thin, accounts: Sequence[str]) -> list[EffectRow]:
    """The looks that each account owes at it. A customer that several share is read: nothing is written to it."""
    shared = _prefix(thin) == CUSTOMER and len(accounts) > 1
    wanted = read_customer() if shared else _LOOKS[_prefix(thin)](thin.object_id)
    payload = orjson.dumps(dict(wanted.payload)).decode()
    return [
        EffectRow(
            account,
            uuid7(),
            wanted.kind,
            wanted.target,
            wanted.coalesce,
            payload,
            thin.event_id,
            urgency=Urgency.WEBHOOK,
            quiet=QUIET,
        )
        for account in accounts
    ]


def _prefix(thin: Thin) -> str:
    return thin.object_id.partition("_")[0]
