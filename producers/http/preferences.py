"""What a caller says about how a command is done: its Idempotency-Key, and whether to wait for the outcome."""

import re
from typing import Final

from starlette.requests import Request

from producers.http.errors import invalid

_KEY: Final = re.compile(r"[\x21-\x7e]([\x20-\x7e]{0,253}[\x21-\x7e])?")
_RESPOND_ASYNC: Final = re.compile(r"(?:^|[,;\s])respond-async(?:$|[,;\s])", re.IGNORECASE)


def idempotency_key(request: Request) -> str | None:
    """The key that the request was sent with, if it was. Raises 1400, also for several: one would be passed over."""
    keys = request.headers.getlist("idempotency-key")
    if not keys:
        return None
    if len(keys) > 1:
        raise invalid("Send one Idempotency-Key: a request is one operation.")
    if not _KEY.fullmatch(keys[0]):
        raise invalid("An Idempotency-Key has 1 to 255 printable ASCII characters.")
    return keys[0]


def responds_async(request: Request) -> bool:
    """Whether the caller prefers not to wait, said in any of the fields `Prefer` (RFC 7240, 2: they are one list)."""
    return _RESPOND_ASYNC.search(",".join(request.headers.getlist("prefer"))) is not None
