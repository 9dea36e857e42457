"""What the loop asks of a capability's tables: load a part for locked accounts, save what changed."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from handlers.account import Part
from state.postgres.connection import Connection, Row

T = TypeVar("T")

Load = Callable[[Connection, Sequence[str]], Awaitable[dict[str, T]]]
Save = Callable[[Connection, Mapping[str, T]], Awaitable[None]]


class LostUpdateError(Exception):
    """Rows were written by somebody who did not hold the lock; the transaction is tried again."""

    def __init__(self, table: str, accounts: set[str]) -> None:
        super().__init__(f"{len(accounts)} rows of {table} changed under the lock")
        self.table, self.accounts = table, accounts


@dataclass(frozen=True, slots=True)
class Store(Generic[T]):
    """Where one part of an account is kept. `load` gives only the accounts that have the part."""

    part: Part[T]
    load: Load[T]
    save: Save[T]


def expect_all(table: str, given: Mapping[str, Any], saved: Sequence[Row], key: str) -> None:
    """Raise `LostUpdateError` unless each given account came back from the statement that saved it."""
    missing = given.keys() - {row[key] for row in saved}
    if missing:
        raise LostUpdateError(table, missing)
