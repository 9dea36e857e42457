"""Idempotency keys of POST requests: the first answer is kept for a day and replayed, whatever it was.

Kept: every answer of an endpoint that began to execute, 500s too. Not kept: refused keys and versions, rate
limits, parameters that cannot be read, conflicts (docs.stripe.com/api/idempotent_requests, error-low-level).
"""

import hashlib
from dataclasses import dataclass

import orjson

from sandbox.stripe.errors import key_in_use, key_of_other_endpoint, key_of_other_parameters, key_too_long
from sandbox.stripe.forms import Form
from sandbox.stripe.store import Store

LONGEST_KEY = 255
KEPT_SECONDS = 24 * 3600
_SWEEP_EVERY = 1000


@dataclass(frozen=True, slots=True)
class Remembered:
    """The stored answer to a key, and the id of the request that earned it."""

    status: int
    body: bytes
    request_id: str


class Keys:
    """The keys of one double: those in flight in memory, those answered in the store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._in_flight: set[str] = set()
        self._kept = 0

    def claim(self, key: str, path: str, form: Form, now: float) -> Remembered | None:
        """The answer to replay, or None: then the key is in flight until `release`.

        Raises ApiError: too long, in flight, or first used with another endpoint or other parameters.
        """
        if len(key) > LONGEST_KEY:
            raise key_too_long(len(key))
        if key in self._in_flight:
            raise key_in_use(key)
        row = self._store.execute(
            "SELECT path, fingerprint, status, body, request_id FROM idempotency WHERE key = ? AND at > ?",
            (key, now - KEPT_SECONDS),
        ).fetchone()
        if row is None:
            self._in_flight.add(key)
            return None
        if row[0] != path:
            raise key_of_other_endpoint(key, path, row[0])
        if row[1] != _fingerprint(form):
            raise key_of_other_parameters(key)
        return Remembered(*row[2:])

    def release(self, key: str) -> None:
        """The request with this key has ended."""
        self._in_flight.discard(key)

    def keep(self, key: str, path: str, form: Form, now: float, answer: Remembered) -> None:
        """Stores the first answer, in the transaction of its effect; forgets old ones now and then."""
        self._store.execute(
            "INSERT OR REPLACE INTO idempotency (key, at, path, fingerprint, status, body, request_id) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            (key, now, path, _fingerprint(form), answer.status, answer.body, answer.request_id),
        )
        self._kept += 1
        if self._kept % _SWEEP_EVERY == 0:
            self._store.execute("DELETE FROM idempotency WHERE at <= ?", (now - KEPT_SECONDS,))


def _fingerprint(form: Form) -> bytes:
    return hashlib.blake2b(orjson.dumps(form, option=orjson.OPT_SORT_KEYS), digest_size=16).digest()
