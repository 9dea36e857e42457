"""The sizes and ages a message must keep to."""

from datetime import timedelta
from typing import Final

MAX_BODY_BYTES: Final = 64 * 1024
MAX_HEADER_BYTES: Final = 2048
"""Per header value; the longest of ours is a traceparent of 55."""

ID_MAX_AGE: Final = timedelta(days=30)
"""An id may be this much older than its record. Dead letters are replayed with their old ids."""
ID_MAX_AHEAD: Final = timedelta(minutes=5)
"""Clocks of producers may be this much ahead."""
