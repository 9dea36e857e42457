"""Bearer tokens of the Dashboard: minted once, kept as a hash, bound to accounts and scopes.

A token reads `bft_`, 43 random characters (256 bits), 6 characters of CRC-32. The prefix lets secret
scanners find it where it does not belong; the checksum tells a slip of the pen from a token without
a look into the database. With that many random bits a plain SHA-256 is a safe thing to keep.
"""

import secrets
import string
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from hmac import compare_digest
from typing import Final
from zlib import crc32

from state.postgres.connection import Connection, Row
from state.postgres.queries import queries
from topics.ids import ACCOUNT_ID

SQL: Final = queries("api_tokens")
PREFIX: Final = "bft_"
READ: Final = "Billing Read"
WRITE: Final = "Billing Write"
SCOPES: Final = (READ, WRITE)
_ALPHABET: Final = string.ascii_letters + string.digits
_RANDOM, _CHECK = 43, 6
_LENGTH: Final = len(PREFIX) + _RANDOM + _CHECK


@dataclass(frozen=True, slots=True)
class ApiToken:
    """A token without its secret."""

    id: str
    name: str
    accounts: frozenset[str]
    scopes: frozenset[str]
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None

    def holds(self, now: datetime) -> bool:
        """Whether it is neither revoked nor expired."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


async def create(
    connection: Connection,
    *,
    name: str,
    accounts: Collection[str],
    scopes: Collection[str],
    expires_at: datetime | None = None,
) -> tuple[str, str]:
    """Make a token; gives its id and the secret, which can't be read again.

    Raises `ValueError` for unknown scopes and for anything that is not an account id.
    """
    _check(accounts, scopes)
    secret, token_id = _mint(), f"tok_{secrets.token_hex(8)}"
    row = (token_id, digest(secret), name, sorted(set(accounts)), sorted(set(scopes)), expires_at)
    await connection.execute(SQL.add, *row)
    return token_id, secret


async def find(connection: Connection, secret: str) -> ApiToken | None:
    """The token with this secret, whether it still holds or not."""
    wanted = digest(secret)
    row = await connection.fetchrow(SQL.find, wanted)
    return _token(row) if row is not None and compare_digest(row["hash"], wanted) else None


async def listed(connection: Connection, account_id: str | None = None) -> list[ApiToken]:
    """All tokens, or those bound to one account; oldest first."""
    return [_token(row) for row in await connection.fetch(SQL.listed, account_id)]


async def revoke(connection: Connection, token_id: str) -> bool:
    """End a token for good; False when there is none with this id."""
    return await connection.fetchval(SQL.revoke, token_id) is not None


def digest(secret: str) -> bytes:
    """What is kept of a secret."""
    return sha256(secret.encode()).digest()


def well_formed(secret: str) -> bool:
    """Whether it could be one of ours, by prefix, length and checksum."""
    if len(secret) != _LENGTH or not secret.isascii() or not secret.startswith(PREFIX):
        return False
    return secret[-_CHECK:] == _checksum(secret[:-_CHECK])


def _mint() -> str:
    body = PREFIX + "".join(secrets.choice(_ALPHABET) for _ in range(_RANDOM))
    return body + _checksum(body)


def _checksum(body: str) -> str:
    number, digits = crc32(body.encode()), ""
    for _ in range(_CHECK):
        number, digit = divmod(number, len(_ALPHABET))
        digits += _ALPHABET[digit]
    return digits


def _check(accounts: Collection[str], scopes: Collection[str]) -> None:
    if not accounts or not all(ACCOUNT_ID.fullmatch(account) for account in accounts):
        raise ValueError("A token is bound to one or more accounts, each an id of 32 hexadecimal characters.")
    if not scopes or not set(scopes) <= set(SCOPES):
        raise ValueError(f"A token has one or both of the scopes {' and '.join(SCOPES)}.")


def _token(row: Row) -> ApiToken:
    return ApiToken(
        id=row["id"],
        name=row["name"],
        accounts=frozenset(row["accounts"]),
        scopes=frozenset(row["scopes"]),
        created_at=row["created_at"],
        expires_at=row["expires_at"],
        revoked_at=row["revoked_at"],
    )
