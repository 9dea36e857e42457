"""From kept webhooks to facts for accounts: who is concerned, who has to wait, what can't be understood."""

import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from consumers.fact_producer import Addressed
from consumers.thin_events import concerns_us
from consumers.webhook_reading import Thin, Told, UnreadableError, read
from topics.codec import Reason, Rejected
from topics.ids import derived_uuid7
from topics.limits import ID_MAX_AGE
from topics.message import Actor, Envelope, Record, Role

ACTORS: Final = {
    source: Actor(source, Role.SYSTEM, f"/webhooks/{source}") for source in ("stripe", "braintree")
}
_OLDEST: Final = ID_MAX_AGE - timedelta(days=1)


@dataclass(slots=True)
class Understood:
    """Webhooks taken apart, each with its record; `ignored` counts by source what is about nothing of ours."""

    told: list[tuple[Record, Told]] = field(default_factory=list)
    thin: list[tuple[Record, Thin]] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    ignored: Counter[str] = field(default_factory=Counter)

    @property
    def customers(self) -> list[str]:
        """The processors' customers in it."""
        return sorted({told.customer_id for _, told in self.told})

    @property
    def tokens(self) -> list[str]:
        """The vault's tokens in it."""
        return sorted({told.token for _, told in self.told if told.token})


@dataclass(slots=True)
class Sorted:
    """What is to be published, and what has no account (yet)."""

    facts: list[Addressed] = field(default_factory=list)
    waiting: list[tuple[Record, Told]] = field(default_factory=list)


def understand(records: Iterable[Record]) -> Understood:
    """Read each webhook; one that can't be read becomes a dead letter."""
    found = Understood()
    for record in records:
        try:
            said = read(record)
        except UnreadableError as error:
            found.rejected.append(Rejected(record, Reason.BAD_BODY, str(error)))
            continue
        if isinstance(said, Thin) and concerns_us(said):
            found.thin.append((record, said))
        elif isinstance(said, Thin) or said.fact is None:
            found.ignored[said.source] += 1
        else:
            found.told.append((record, said))
    return found


def sort(
    told: Iterable[tuple[Record, Told]],
    holders: Mapping[str, Sequence[str]],
    payers: Mapping[str, Sequence[str]],
) -> Sorted:
    """Address each to the accounts of its customer: several when accounts were merged on it.

    Whoever pays with a token is asked first: until it is moved, it may be on a customer that is not the account's.
    """
    found = Sorted()
    for record, one in told:
        accounts = payers.get(one.token) or holders.get(one.customer_id, ())
        if not accounts:
            found.waiting.append((record, one))
        found.facts += [addressed(one, account_id) for account_id in accounts]
    return found


def addressed(told: Told, account_id: str) -> Addressed:
    """The fact for one account. Its id follows from the event's, so that a second delivery is a duplicate.

    An event too old for that (an id may be 30 days old) is given the time of today: its order is taken from
    what it says in any case, so a duplicate of it changes nothing.
    """
    assert told.fact is not None
    now_ms = int(time.time() * 1000)
    old = now_ms - told.moment_ms > _OLDEST.total_seconds() * 1000
    fact_id = derived_uuid7(
        now_ms if old else min(told.moment_ms, now_ms),
        told.source.encode(),
        told.event_id.encode(),
        account_id.encode(),
    )
    envelope = Envelope(
        fact_id, told.fact.type, account_id, ACTORS[told.source], causation_id=told.event_id[:255]
    )
    return Addressed(envelope, told.fact)
