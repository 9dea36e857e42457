"""What the ids say: the shape of an account id and the time inside a UUIDv7."""

import hashlib
import re
from datetime import UTC, datetime
from typing import Final
from uuid import UUID, SafeUUID

ACCOUNT_ID: Final = re.compile(r"[0-9a-f]{32}")
ACCOUNT_ID_PATTERN: Final = r"^[0-9a-f]{32}$"


_UUID7: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


def read_uuid7(text: str) -> UUID | None:
    """The UUIDv7 that is written in its usual form, else None.

    A quarter of what the constructor of `UUID` costs, which first tries five other things to read.
    """
    if not _UUID7.fullmatch(text):
        return None
    found = object.__new__(UUID)
    object.__setattr__(found, "int", int(text.replace("-", ""), 16))
    object.__setattr__(found, "is_safe", SafeUUID.unknown)
    return found


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


def conclusion_id(command_id: UUID) -> UUID:
    """The id of the message that concludes a command whose outcome is `accepted`: a UUIDv7 of the same moment.

    It follows from the command's id, so that whoever waits knows it and a second conclusion is a duplicate.
    """
    return derived_uuid7(command_id.int >> 80, b"conclusion", command_id.bytes)


def derived_uuid7(moment_ms: int, *parts: bytes) -> UUID:
    """A UUIDv7 of that moment whose other bits follow from `parts`: the same again for the same."""
    drawn = int.from_bytes(hashlib.sha256(b"\0".join(parts)).digest()[:10])
    low = (0x7 << 76) | (drawn & ((1 << 76) - 1))
    return UUID(int=moment_ms << 80 | (low & ~(0x3 << 62)) | 0x2 << 62)


def uuid7_floor(moment: datetime) -> UUID:
    """The smallest UUID whose embedded time is `moment`: a bound for ranges of ids."""
    return UUID(int=int(moment.timestamp() * 1000) << 80)
