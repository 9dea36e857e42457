"""The journal: one row per command with what came of it; inbox, outcome store and audit log in one."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from state.postgres.connection import Connection, Row, affected
from state.postgres.queries import queries
from topics.ids import uuid7_floor, uuid7_ms
from topics.value import value

SQL: Final = queries("journal")
FORGET: Final[tuple[str, ...]] = (SQL.forget,)
"""Bodies and answers of all that was decided about erased accounts go; that it was decided stays."""
ACCEPTED: Final = "accepted"
"""The outcome of a command that goes on in an effect: its conclusion has another row."""
_DAY_MS: Final = 86_400_000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@value
class Outcome:
    """What came of a command. `answer` is JSON: the result, or the message and problems of a refusal."""

    command_id: UUID
    account_id: str
    outcome: str
    code: int | None
    answer: str | None


@dataclass(frozen=True, slots=True)
class Entry:
    """A journal row as written. `body` is the command's JSON; both texts go when an account is erased."""

    command_id: UUID
    account_id: str
    type: str
    lane: str
    actor: str
    actor_role: str
    surface: str
    causation_id: str | None
    outcome: str
    code: int | None
    answer: str | None
    body: str | None
    decided_at: datetime


class ConcurrentDuplicateError(Exception):
    """Another lane recorded one of these commands after we looked; the transaction is tried again."""


async def known(connection: Connection, ids: Sequence[UUID]) -> dict[UUID, Outcome]:
    """The outcomes of those commands that have one. Read under the accounts' locks."""
    return {row["command_id"]: _outcome(row) for row in await connection.fetch(SQL.known, ids)}


async def record(connection: Connection, rows: Sequence[tuple[Any, ...]], decided_at: datetime) -> None:
    """Write outcomes, as tuples in the order of `Entry` up to `body`. Raises `ConcurrentDuplicateError`."""
    if affected(await connection.execute(SQL.record, rows, decided_at)) != len(rows):
        raise ConcurrentDuplicateError


async def find(connection: Connection, command_id: UUID) -> Row | None:
    """The whole row of one command without its body, None while it has no outcome."""
    return await connection.fetchrow(SQL.find, command_id)


class Days:
    """The days of ids for which the journal has a partition, made when first needed."""

    def __init__(self) -> None:
        self._ready: set[int] = set()

    async def ensure(self, connection: Connection, ids: Iterable[UUID]) -> None:
        """Make the partitions that `ids` fall into. Must not run inside a transaction that holds locks."""
        for number in sorted({uuid7_ms(command_id) // _DAY_MS for command_id in ids} - self._ready):
            low = _EPOCH + timedelta(days=number)
            bounds = uuid7_floor(low), uuid7_floor(low + timedelta(days=1))
            await connection.execute(SQL.add_day, low.date(), *bounds)
            self._ready.add(number)


def _outcome(row: Row) -> Outcome:
    return Outcome(row["command_id"], row["account_id"], row["outcome"], row["code"], row["answer"])
