"""What the loop asks of a capability's tables: load a part for locked accounts, save what changed."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from handlers.account import Part
from state.postgres.connection import Connection, affected

T = TypeVar("T")

Load = Callable[[Connection, Sequence[str]], Awaitable[dict[str, T]]]
Save = Callable[[Connection, Mapping[str, T]], Awaitable[None]]


class LostUpdateError(Exception):
    """Rows were written by somebody who did not hold the lock; the transaction is tried again."""

    def __init__(self, table: str, lost: int) -> None:
        super().__init__(f"{lost} rows of {table} changed under the lock")
        self.table, self.lost = table, lost


@dataclass(frozen=True, slots=True)
class Store(Generic[T]):
    """Where one part of an account is kept. `load` gives only the accounts that have the part."""

    part: Part[T]
    load: Load[T]
    save: Save[T]


def expect_all(table: str, given: int, status: str) -> None:
    """Raise `LostUpdateError` unless the statement with this status saved as many rows as it was given."""
    if lost := given - affected(status):
        raise LostUpdateError(table, lost)
