"""API tokens at the door: found by hash, believed for a few seconds, never longer."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import structlog

from producers.http.callers import Access, Caller, bearer, unauthenticated
from producers.http.errors import unavailable
from producers.http.pool import Pool, taken
from state.postgres import api_tokens
from state.postgres.api_tokens import READ, WRITE, ApiToken
from state.postgres.connection import STORE_DOWN
from topics.message import Role

log = structlog.get_logger()

BELIEVED_SECONDS: Final = 5.0
"""A revoked token is refused by every process after at most this long."""
_MOST: Final = 10_000


@dataclass(frozen=True, slots=True)
class _Remembered:
    token: ApiToken | None
    until: float


def api_token_access(pool: Pool) -> Access:
    """Who a Dashboard's caller is, with a memory of its own."""
    remembered: dict[bytes, _Remembered] = {}

    async def caller(authorization: str | None, stranger: Callable[[], None]) -> Caller:
        secret = bearer(authorization)
        token = await _token(pool, remembered, secret, stranger) if api_tokens.well_formed(secret) else None
        if token is None or not token.holds(datetime.now(UTC)):
            raise unauthenticated("This API token is unknown, expired or revoked.")
        return Caller(token.id, Role.CUSTOMER, _with_implied(token.scopes), token.accounts)

    return caller


async def _token(
    pool: Pool, remembered: dict[bytes, _Remembered], secret: str, stranger: Callable[[], None]
) -> ApiToken | None:
    """The token, from memory or PostgreSQL; that there is none is remembered as well."""
    digest, now = api_tokens.digest(secret), time.monotonic()
    known = remembered.get(digest)
    if known is not None and now < known.until:
        return known.token
    if known is None or known.token is None:
        stranger()
    try:
        async with taken(pool) as connection:
            token = await api_tokens.find(connection, secret)
    except STORE_DOWN as down:
        log.warning("tokens_unread", error=type(down).__name__)
        raise unavailable() from down
    if len(remembered) >= _MOST:
        remembered.clear()
    remembered[digest] = _Remembered(token, now + BELIEVED_SECONDS)
    return token


def _with_implied(scopes: frozenset[str]) -> frozenset[str]:
    return scopes | {READ} if WRITE in scopes else scopes
