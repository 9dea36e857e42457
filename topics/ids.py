"""What the ids say: the shape of an account id and the time inside a UUIDv7."""

import re
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

ACCOUNT_ID: Final = re.compile(r"[0-9a-f]{32}")
ACCOUNT_ID_PATTERN: Final = r"^[0-9a-f]{32}$"


def is_uuid7(value: UUID) -> bool:
    """Whether `value` is a UUID of version 7 in the RFC 9562 variant."""
    number = value.int
    return (number >> 76) & 0xF == 7 and (number >> 62) & 0x3 == 2


def uuid7_ms(value: UUID) -> int:
    """Milliseconds since the epoch at which a UUIDv7 was made."""
    return value.int >> 80


def uuid7_time(value: UUID) -> datetime:
    """The time at which a UUIDv7 was made, UTC."""
    return datetime.fromtimestamp(uuid7_ms(value) / 1000, UTC)


def uuid7_floor(moment: datetime) -> UUID:
    """The smallest UUID whose embedded time is `moment`: a bound for ranges of ids."""
    return UUID(int=int(moment.timestamp() * 1000) << 80)
