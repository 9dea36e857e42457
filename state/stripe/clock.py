"""The processor's own clock, as an answer tells it: the time of a look at an object (topics/observation.py)."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime


def seen_at(headers: Mapping[str, str] | None, waited: float) -> datetime:
    """The whole second, UTC, in which Stripe looked at what it answers; `waited` is in seconds.

    `Date` is when the answer was made (RFC 9110, 6.6.1), so one that took long may have looked that much
    earlier: nothing is claimed to be seen that was not. Our clock when the header is missing.
    """
    try:
        made = parsedate_to_datetime((headers or {})["date"]).astimezone(UTC)
    except (KeyError, ValueError):
        made = datetime.now(UTC).replace(microsecond=0)
    return made - timedelta(seconds=int(waited))
