"""The file behind the double: one SQLite database, written by one process, a transaction a request.

A committed transaction has left the process (WAL, written to the operating system), so an answered request
survives SIGKILL of the double; it does not survive a power cut, and need not (synchronous=OFF).
"""

import fcntl
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

SCHEMA = Path(__file__).with_name("schema.sql").read_text()
VERSION = 1
TABLES = (
    *("objects", "search_terms", "idempotency", "effects", "effect_counts", "settings"),
    *("events", "deliveries", "webhook_destinations", "alarms"),
)


class StoreUnusable(Exception):
    """The data folder cannot be used; the message says what to do about it."""


class Store:
    """The database of one double; calls `committed` after each transaction. Not for two threads at once."""

    def __init__(self, folder: Path) -> None:
        """Opens or makes `folder`/stripe.sqlite3. Raises StoreUnusable."""
        self.file = folder / "stripe.sqlite3"
        self.committed: Callable[[], None] = _nobody_listens
        self._lock = _locked(folder)
        try:
            self._connection = _opened(self.file)
        except sqlite3.DatabaseError as error:
            self._lock.close()
            raise StoreUnusable(
                f"{self.file} cannot be read ({error}): move it away to start afresh"
            ) from error

    def execute(self, sql: str, parameters: tuple[Any, ...] = ()) -> sqlite3.Cursor:
        """One statement, inside the open transaction or as its own."""
        return self._connection.execute(sql, parameters)

    def executemany(self, sql: str, rows: list[tuple[Any, ...]]) -> None:
        """One statement for many rows."""
        if rows:
            self._connection.executemany(sql, rows)

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
        self.committed()

    def clear(self) -> None:
        """Forgets everything."""
        with self.transaction():
            for table in TABLES:
                self._connection.execute(f"DELETE FROM {table}")  # noqa: S608 - names of our own

    def close(self) -> None:
        """Gives the file back."""
        self._connection.close()
        self._lock.close()


def _nobody_listens() -> None:
    pass


def _locked(folder: Path) -> Any:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / "stripe.lock").open("w")
    except OSError as error:
        raise StoreUnusable(f"{folder} cannot be written: {error}") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.close()
        raise StoreUnusable(
            f"{folder} is in use by another double of Stripe: stop it or choose another"
        ) from error
    return lock


def _opened(file: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = OFF")
        _check_version(connection.execute("PRAGMA user_version").fetchone()[0])
        connection.executescript(SCHEMA)
        connection.execute(f"PRAGMA user_version = {VERSION}")
    except sqlite3.DatabaseError:
        connection.close()
        raise
    return connection


def _check_version(version: int) -> None:
    if version not in (0, VERSION):
        raise sqlite3.DatabaseError(f"written by another version, {version}")
