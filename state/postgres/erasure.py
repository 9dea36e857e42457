"""Erasure in the journal: bodies and answers go, the facts that something was decided stay."""

from collections.abc import Mapping, Sequence
from typing import Final

from handlers.accounts import ERASURE, Erasure
from state.postgres.connection import Connection
from state.postgres.queries import queries
from state.postgres.store import Store

SQL: Final = queries("erasure")


async def load(connection: Connection, ids: Sequence[str]) -> dict[str, Erasure]:
    """Nothing: an erasure leaves no value behind to read."""
    return {}


async def save(connection: Connection, erasures: Mapping[str, Erasure]) -> None:
    """Scrub the journal rows of the accounts up to each erasure."""
    await connection.execute(
        SQL.scrub_journal,
        list(erasures),
        [erasure.at for erasure in erasures.values()],
        [erasure.command_id for erasure in erasures.values()],
    )


STORE: Final = Store(ERASURE, load, save)
