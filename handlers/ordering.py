"""Which of two looks at an object is the newer one: by what they say, never by when they arrived (DESIGN.md 4, law 7).

Stripe's clock ticks in whole seconds, so two events of one second are told apart by the rank of the state they
show, then by their id, which is arbitrary but the same in every order of arrival. Where that may be wrong the
object is in doubt, and is read; a reading shows everything that happened before it.
"""

from datetime import datetime, timedelta
from enum import Enum
from typing import Final

from topics.observation import Observation
from topics.value import value

NEAR: Final = timedelta(seconds=2)
"""How far a reading's own time may be from that of an event it did or did not see."""


class Newer(Enum):
    """What to do with an observation beside the one that is known."""

    OLD = "old"
    SAME = "same"
    NEW = "new"


@value
class Seen:
    """The observation that a row comes from. `rank` is that of the state it showed; `final` states never end."""

    at: datetime
    event_id: str | None
    rank: int = 0
    final: bool = False


@value
class Judged:
    """`doubt`: the order is only a guess, so the object should be read."""

    newer: Newer
    doubt: bool = False


def seen(observation: Observation, *, rank: int = 0, final: bool = False) -> Seen:
    """An observation with the rank of what it shows."""
    return Seen(observation.at, observation.event_id, rank, final)


def judge(known: Seen | None, found: Seen) -> Judged:
    """Whether `found` takes the place of `known`.

    A final state wins over whatever is not, and for ever: objects don't come back from it. Of two readings the
    later one wins, and a reading wins over what is older. What lies close to a reading may have been seen by it
    or not: the reading stands, and one more settles it, as that will begin after the event was received.
    """
    if known is None:
        return Judged(Newer.NEW)
    if known.final or found.final:
        return Judged(_final(known, found))
    if known.event_id is None and found.event_id is None:
        return Judged(Newer.NEW if found.at >= known.at else Newer.OLD)
    if known.event_id is None or found.event_id is None:
        return _beside_a_reading(known, found)
    if found.event_id == known.event_id:
        return Judged(Newer.SAME)
    if found.at != known.at:
        return Judged(Newer.NEW if found.at > known.at else Newer.OLD)
    wins = (found.rank, found.event_id) > (known.rank, known.event_id)
    return Judged(Newer.NEW if wins else Newer.OLD, doubt=True)


def _final(known: Seen, found: Seen) -> Newer:
    """Of two looks at what is over, the later one shows more of how it ended."""
    if known.final and found.final:
        later = (found.at, found.rank, found.event_id or "") > (known.at, known.rank, known.event_id or "")
        return Newer.NEW if later else Newer.OLD
    return Newer.OLD if known.final else Newer.NEW


def _beside_a_reading(known: Seen, found: Seen) -> Judged:
    if abs(found.at - known.at) <= NEAR:
        return Judged(Newer.OLD if known.event_id is None else Newer.NEW, doubt=True)
    return Judged(Newer.NEW if found.at > known.at else Newer.OLD)
