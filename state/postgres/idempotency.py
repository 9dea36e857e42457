"""Idempotency keys: which operation a caller's key stands for, decided once for all processes.

Only hashes are kept: a key may hold whatever its caller liked to put in it.
"""

from dataclasses import dataclass
from hashlib import sha256
from typing import Final
from uuid import UUID

from state.postgres.connection import Connection
from state.postgres.queries import queries

SQL: Final = queries("idempotency")


@dataclass(frozen=True, slots=True)
class Claim:
    """The operation of a key. `fresh` when this request is the first to use it."""

    command_id: UUID
    request_hash: bytes
    fresh: bool


async def claim(
    connection: Connection, *, account_id: str, caller: str, key: str, request_hash: bytes, command_id: UUID
) -> Claim:
    """Take the key for `command_id`, or learn whose it is. Not to be called inside a transaction.

    One statement for a new key, a second one to read a key that was taken before.
    """
    hashed = sha256(key.encode()).digest()
    taken = await connection.fetchval(SQL.claim, account_id, caller, hashed, request_hash, command_id)
    if taken is not None:
        return Claim(command_id, request_hash, fresh=True)
    row = await connection.fetchrow(SQL.holder, account_id, caller, hashed)
    if row is None:
        raise LookupError("an idempotency key disappeared: keys are never deleted")
    return Claim(row["command_id"], row["request_hash"], fresh=False)
