"""The aggregate: an account with the parts that a handler declared it needs, and no others."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from topics.value import value

T = TypeVar("T")


@dataclass(frozen=True, slots=True, eq=False)
class Part(Generic[T]):
    """A named piece of an account, kept by one capability. Its value is None while absent.

    Compared by identity: there is one `Part` per piece, and it is looked up once per command.
    """

    name: str


class PartNotLoadedError(Exception):
    """A handler read a part it does not declare in `needs`: a defect of that handler."""

    def __init__(self, part: Part[Any]) -> None:
        super().__init__(f"part {part.name!r} is not among the handler's needs")
        self.part = part


@value
class Account:
    """An account as it stands under its lock. Parts that were not loaded can't be read."""

    id: str
    parts: Mapping[Part[Any], Any]

    def get(self, part: Part[T]) -> T | None:
        """The value of a part, None when the account has none. Raises `PartNotLoadedError`."""
        try:
            value: T | None = self.parts[part]
        except KeyError:
            raise PartNotLoadedError(part) from None
        return value

    def with_changes(self, changes: Mapping[Part[Any], Any]) -> "Account":
        """The account after a decision; itself when nothing changed."""
        return Account(self.id, {**self.parts, **changes}) if changes else self
