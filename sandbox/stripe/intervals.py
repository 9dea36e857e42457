"""Billing intervals: where a period ends, on the grid that the billing cycle anchor and the interval make.

Months keep the anchor's day, or the last day of a shorter month (docs.stripe.com/billing/subscriptions/billing-cycle).
"""

from calendar import monthrange
from datetime import UTC, datetime

SECONDS = {"day": 86_400, "week": 7 * 86_400}
MONTHS = {"month": 1, "year": 12}


def following(start: int, anchor: int, interval: str, count: int) -> int:
    """The first moment of the grid after `start`; all in seconds since the epoch."""
    if interval in SECONDS:
        length = SECONDS[interval] * count
        return anchor + ((start - anchor) // length + 1) * length
    step = MONTHS[interval] * count
    place = _months(start, anchor) // step - 1
    while (moment := _moved(anchor, place * step)) <= start:
        place += 1
    return moment


def _months(start: int, anchor: int) -> int:
    late, early = datetime.fromtimestamp(start, UTC), datetime.fromtimestamp(anchor, UTC)
    return (late.year - early.year) * 12 + late.month - early.month


def _moved(anchor: int, months: int) -> int:
    then = datetime.fromtimestamp(anchor, UTC)
    years, month = divmod(then.month - 1 + months, 12)
    year = then.year + years
    day = min(then.day, monthrange(year, month + 1)[1])
    return int(then.replace(year=year, month=month + 1, day=day).timestamp())
