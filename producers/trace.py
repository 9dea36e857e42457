"""Ids that entry points make: command ids and W3C trace contexts."""

import re
import secrets
import time
from typing import Final
from uuid import UUID

# https://www.w3.org/TR/trace-context/#traceparent-header: version ff and ids of zeros are invalid.
_TRACEPARENT: Final = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")


def new_id() -> UUID:
    """A UUIDv7 of this moment (RFC 9562, 5.7).

    Its time is the clock's, however many are made in one millisecond: readers refuse ids from a
    skewed clock, and the order of commands is that of their topic, not of their ids.
    """
    moment, noise = time.time_ns() // 1_000_000, secrets.randbits(74)
    return UUID(int=moment << 80 | 7 << 76 | noise >> 62 << 64 | 2 << 62 | noise & (1 << 62) - 1)


def traceparent(given: str | None) -> str:
    """The caller's trace context if it is one, else the beginning of a new trace."""
    if given is not None and _TRACEPARENT.fullmatch(given):
        return given
    return f"00-{secrets.randbits(128) or 1:032x}-{secrets.randbits(64) or 1:016x}-01"
