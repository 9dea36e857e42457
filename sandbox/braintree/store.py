"""The file behind the double: one SQLite database with JSON bodies, written by one process."""

import fcntl
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

import orjson

Body: TypeAlias = dict[str, Any]
CUSTOMER, METHOD, NONCE = "customer", "payment_method", "nonce"
SCHEMA = """
CREATE TABLE IF NOT EXISTS objects (
    seq INTEGER PRIMARY KEY, kind TEXT NOT NULL, id TEXT NOT NULL, owner TEXT NOT NULL DEFAULT '', body BLOB NOT NULL,
    UNIQUE (kind, id)
) STRICT;
CREATE INDEX IF NOT EXISTS objects_of_owner ON objects (kind, owner, seq);
CREATE TABLE IF NOT EXISTS deliveries (
    seq INTEGER PRIMARY KEY, kind TEXT NOT NULL, signature TEXT NOT NULL, payload TEXT NOT NULL,
    due REAL NOT NULL, tries INTEGER NOT NULL DEFAULT 0, state TEXT NOT NULL DEFAULT 'due'
) STRICT;
CREATE TABLE IF NOT EXISTS ledger (seq INTEGER PRIMARY KEY, what TEXT NOT NULL, id TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value REAL NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS transactions (
    seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, customer_id TEXT, order_id TEXT, amount TEXT NOT NULL,
    instrument TEXT NOT NULL, status TEXT NOT NULL, created REAL NOT NULL, due REAL, body BLOB NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS transactions_of_order ON transactions (order_id);
CREATE INDEX IF NOT EXISTS transactions_of_customer ON transactions (customer_id);
CREATE INDEX IF NOT EXISTS transactions_of_token
    ON transactions (json_extract(CAST(body AS TEXT), '$.credit_card.token'));
CREATE INDEX IF NOT EXISTS transactions_of_instrument ON transactions (instrument, created);
CREATE INDEX IF NOT EXISTS transactions_due ON transactions (due) WHERE due IS NOT NULL;
"""


class StoreUnusable(Exception):
    """The data folder cannot be used; the message says what to do about it."""


class Store:
    """The database of one double. Not for two threads at once."""

    def __init__(self, folder: Path) -> None:
        """Opens or makes `folder`/braintree.sqlite3. Raises StoreUnusable."""
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._lock = (folder / "braintree.lock").open("w")
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise StoreUnusable(f"{folder} cannot be written, or another double uses it: {error}") from error
        self._connection = sqlite3.connect(
            folder / "braintree.sqlite3", isolation_level=None, check_same_thread=False
        )
        try:
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = OFF")
            self._connection.executescript(SCHEMA)
        except sqlite3.DatabaseError as error:
            self.close()
            raise StoreUnusable(f"{folder} cannot be read ({error}): move it away to start afresh") from error

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing of what is written inside."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    def execute(self, sql: str, parameters: tuple[Any, ...] = ()) -> sqlite3.Cursor:
        """One statement."""
        return self._connection.execute(sql, parameters)

    def find(self, kind: str, id_: str) -> Body | None:
        """The object of that kind and id."""
        row = self.execute("SELECT body FROM objects WHERE kind = ? AND id = ?", (kind, id_)).fetchone()
        return orjson.loads(row[0]) if row else None

    def put(self, kind: str, id_: str, body: Body, *, owner: str = "") -> None:
        """The object as it is from now on."""
        self.execute(
            "INSERT INTO objects (kind, id, owner, body) VALUES (?, ?, ?, ?) "
            "ON CONFLICT (kind, id) DO UPDATE SET body = excluded.body, owner = excluded.owner",
            (kind, id_, owner, orjson.dumps(body)),
        )

    def rename(self, kind: str, id_: str, new: str) -> None:
        """The object under another id, in its old place among the others."""
        self.execute("UPDATE objects SET id = ? WHERE kind = ? AND id = ?", (new, kind, id_))

    def drop(self, kind: str, id_: str) -> None:
        """The object is gone."""
        self.execute("DELETE FROM objects WHERE kind = ? AND id = ?", (kind, id_))

    def all(self, kind: str, *, owner: str | None = None) -> list[Body]:
        """Objects of a kind, oldest first; those of one owner."""
        sql, values = "SELECT body FROM objects WHERE kind = ?", (kind,)
        if owner is not None:
            sql, values = f"{sql} AND owner = ?", (kind, owner)  # type: ignore[assignment]
        return [orjson.loads(row[0]) for row in self.execute(f"{sql} ORDER BY seq", values)]

    def newest(self, kind: str, most: int) -> list[Body]:
        """The last objects of a kind, newest first."""
        sql = "SELECT body FROM objects WHERE kind = ? ORDER BY seq DESC LIMIT ?"
        return [orjson.loads(row[0]) for row in self.execute(sql, (kind, most))]

    def count(self, kind: str) -> int:
        """How many there are of a kind."""
        return int(self.execute("SELECT count(*) FROM objects WHERE kind = ?", (kind,)).fetchone()[0])

    def record(self, what: str, id_: str) -> None:
        """One effect in the ledger, which drills count."""
        self.execute("INSERT INTO ledger (what, id) VALUES (?, ?)", (what, id_))

    def ledger(self) -> list[tuple[str, str]]:
        """Every effect, oldest first."""
        return [(row[0], row[1]) for row in self.execute("SELECT what, id FROM ledger ORDER BY seq")]

    def clear(self) -> None:
        """Forgets everything."""
        with self.transaction():
            for table in ("objects", "deliveries", "ledger", "settings", "transactions"):
                self.execute(f"DELETE FROM {table}")  # noqa: S608 - names of our own

    def close(self) -> None:
        """Gives the file back."""
        self._connection.close()
        self._lock.close()
