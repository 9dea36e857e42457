"""E-mail addresses: is this one, and what is its normal form. Nothing is looked up in the DNS."""

import re
from functools import lru_cache

from email_validator import EmailNotValidError, validate_email

# What the library costs 27 us to accept, this accepts in one: the plain ASCII addresses nearly everyone
# has. It must never accept what the library refuses (a test holds them together); whatever it does not
# match goes to the library.
_PLAIN = re.compile(
    r"[A-Za-z0-9_+-]+(?:\.[A-Za-z0-9_+-]+)*"
    r"@(?:[A-Za-z0-9](?:-?[A-Za-z0-9]){0,31}\.){1,4}"
    r"(?!(?:arpa|invalid|local|localhost|onion)\Z)[A-Za-z]{2,24}",
    re.IGNORECASE | re.ASCII,
)


def is_email(value: str) -> bool:
    """Whether `value` is an e-mail address by RFC 5321/6531 syntax, internationalised ones included."""
    return len(value) <= 254 and (_PLAIN.fullmatch(value) is not None or _by_library(value) is not None)


def normal_email(value: str) -> str:
    """The address with its domain in lower case and Unicode form (IDNA); `value` itself if it is not one."""
    if len(value) > 254 or (value.islower() and _PLAIN.fullmatch(value)):
        return value
    return _by_library(value) or value


@lru_cache(maxsize=8192)
def _by_library(value: str) -> str | None:
    try:
        # `test_environment` lets in *.test: no mail leaves for it (RFC 6761), so trials may use it without
        # harm.
        found = validate_email(value, check_deliverability=False, test_environment=True)
    except (EmailNotValidError, ValueError):
        return None
    return found.normalized if "." in found.domain else None
