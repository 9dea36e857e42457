"""Records that no worker may apply, each with the reason its dead letter must give."""

from collections.abc import Callable
from random import Random
from typing import Final
from uuid import UUID

from topics.codec import Reason
from topics.limits import MAX_BODY_BYTES, MAX_HEADER_BYTES

Headers = tuple[tuple[str, bytes], ...]
Parts = tuple[bytes | None, bytes | None, Headers]
"""Key, body and headers of a record."""

_MONTHS_MS: Final = 70 * 24 * 3600 * 1000
_HOURS_MS: Final = 5 * 3600 * 1000


def spoil(rng: Random, key: bytes, value: bytes, headers: Headers) -> tuple[Parts, Reason]:
    """The record with one thing wrong, and the name of what is wrong with it."""
    (spoiler,) = rng.choices(_SPOILERS, _WEIGHTS)
    return spoiler(key, value, headers)


def without(headers: Headers, name: str) -> Headers:
    """The headers without one of them."""
    return tuple(header for header in headers if header[0] != name)


def instead(headers: Headers, name: str, value: bytes) -> Headers:
    """The headers with another value of one of them."""
    return (*without(headers, name), (name, value))


def _moved(headers: Headers, by_ms: int) -> Headers:
    found = UUID(dict(headers)["ce_id"].decode())
    return instead(headers, "ce_id", str(UUID(int=found.int + (by_ms << 80))).encode())


def _not_json(key: bytes, value: bytes, headers: Headers) -> tuple[Parts, Reason]:
    return (key, value[:-1] + b"!", headers), Reason.BAD_BODY


def _unknown_field(key: bytes, value: bytes, headers: Headers) -> tuple[Parts, Reason]:
    return (key, b'{"shoe_size": 46}', headers), Reason.BAD_BODY


def _nul(key: bytes, value: bytes, headers: Headers) -> tuple[Parts, Reason]:
    return (key, b'{"reason": "a\\u0000b"}', headers), Reason.BAD_BODY


def _half_a_character(key: bytes, value: bytes, headers: Headers) -> tuple[Parts, Reason]:
    return (key, b'{"company": "\\ud800"}', headers), Reason.BAD_BODY


def _no_body(key: bytes, value: bytes, headers: Headers) -> tuple[Parts, Reason]:
    return (key, None, headers), Reason.NO_BODY


def _oversized(key: bytes, value: bytes, headers: Headers) -> tuple[Parts, Reason]:
    return (key, b'"' + b"x" * MAX_BODY_BYTES + b'"', headers), Reason.OVERSIZED


def _unknown_type(key: bytes, value: bytes, headers: Headers) -> tuple[Parts, Reason]:
    return (key, value, instead(headers, "ce_type", b"billing.profiles.create.v99")), Reason.UNKNOWN_TYPE


def _an_event(key: bytes, value: bytes, headers: Headers) -> tuple[Parts, Reason]:
    return (key, value, instead(headers, "ce_type", b"billing.profiles.deleted.v1")), Reason.WRONG_LANE


def _no_uuid(key: bytes, value: bytes, headers: Headers) -> tuple[Parts, Reason]:
    return (key, value, instead(headers, "ce_id", b"17")), Reason.BAD_ID


def _random_uuid(key: bytes, value: bytes, headers: Headers) -> tuple[Parts, Reason]:
    version_4 = b"5d2cf5f9-1f5c-4d0b-9a4e-6f3c8c0f2a11"
    return (key, value, instead(headers, "ce_id", version_4)), Reason.BAD_ID


def _from_long_ago(key: bytes, value: bytes, headers: Headers) -> tuple[Parts, Reason]:
    return (key, value, _moved(headers, -_MONTHS_MS)), Reason.SKEWED_ID


def _from_the_future(key: bytes, value: bytes, headers: Headers) -> tuple[Parts, Reason]:
    return (key, value, _moved(headers, _HOURS_MS)), Reason.SKEWED_ID


def _no_key(key: bytes, value: bytes, headers: Headers) -> tuple[Parts, Reason]:
    return (None, value, headers), Reason.BAD_KEY


def _other_key(key: bytes, value: bytes, headers: Headers) -> tuple[Parts, Reason]:
    return (key[::-1] + b"!", value, headers), Reason.BAD_KEY


def _no_account(key: bytes, value: bytes, headers: Headers) -> tuple[Parts, Reason]:
    return (key, value, instead(headers, "ce_subject", b"nobody")), Reason.BAD_KEY


def _nobody_asks(key: bytes, value: bytes, headers: Headers) -> tuple[Parts, Reason]:
    return (key, value, without(headers, "ce_actor")), Reason.BAD_HEADER


def _not_text(key: bytes, value: bytes, headers: Headers) -> tuple[Parts, Reason]:
    return (key, value, instead(headers, "traceparent", b"\xff\xfe")), Reason.BAD_HEADER


def _long_header(key: bytes, value: bytes, headers: Headers) -> tuple[Parts, Reason]:
    return (key, value, instead(headers, "traceparent", b"0" * (MAX_HEADER_BYTES + 1))), Reason.BAD_HEADER


_SHARES: Final[dict[Callable[[bytes, bytes, Headers], tuple[Parts, Reason]], float]] = {
    _not_json: 3,
    _unknown_field: 1,
    _nul: 1,
    _half_a_character: 1,
    _no_body: 1,
    _oversized: 0.3,
    _unknown_type: 2,
    _an_event: 1,
    _no_uuid: 1,
    _random_uuid: 1,
    _from_long_ago: 1,
    _from_the_future: 1,
    _no_key: 1,
    _other_key: 1,
    _no_account: 1,
    _nobody_asks: 1,
    _not_text: 1,
    _long_header: 1,
}
_SPOILERS: Final = tuple(_SHARES)
_WEIGHTS: Final = tuple(_SHARES.values())
