"""What a lost webhook would have had read: read by itself once a difference was found twice, and once for each.

Reading writes to no processor; what it shows is told and decided as if the webhook had come.
"""

from typing import Final

import orjson
from uuid6 import uuid7

from consumers.sweeps.differences import AGREEMENTS, COLLECTION, METHODS, SUBSCRIPTIONS
from handlers.decision import EffectRequest
from handlers.drift import Cause, Difference
from handlers.payment_effects import read_braintree, read_method, read_subscription
from observability.crash import crash_point
from state.postgres import drift, effects, repairs
from state.postgres.connection import Connection
from state.postgres.effects import EffectRow
from topics.message import Urgency

_READ: Final = {METHODS: read_method, SUBSCRIPTIONS: read_subscription, AGREEMENTS: read_braintree}


async def owe_readings(connection: Connection, account_id: str) -> None:
    """Owe what was not read yet for the account's differences, behind everybody else; nothing while repairs are
    stopped. Whoever is killed leaves both or neither: what is owed and not noted would be read a second time."""
    found = await drift.unread(connection, account_id, Cause.MISSED_WEBHOOK, switch=repairs.SWITCH)
    wanted = {row_id: reading for row_id, one in found.items() if (reading := reading_of(one))}
    if wanted:
        async with connection.transaction():
            await drift.note_read(connection, list(wanted))
            crash_point("sweeps.reading_noted")
            await effects.add(connection, [_row(account_id, one) for one in wanted.values()])


def reading_of(one: Difference) -> EffectRequest | None:
    """The reading that the webhook would have caused, if it is one that was missed.

    Braintree tells nobody that a token was deleted: a person looks before an agreement ends here.
    """
    part, *rest = one.field.split(".")
    deleted = part == AGREEMENTS and len(rest) == 1 and one.theirs is None
    if one.cause != Cause.MISSED_WEBHOOK or part not in _READ or COLLECTION in rest or deleted:
        return None
    return _READ[part](rest[0])


def _row(account_id: str, wanted: EffectRequest) -> EffectRow:
    payload = orjson.dumps(dict(wanted.payload)).decode()
    return EffectRow(
        account_id,
        uuid7(),
        wanted.kind,
        wanted.target,
        wanted.coalesce,
        payload,
        urgency=Urgency.SWEEP,
    )
