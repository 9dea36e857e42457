"""Bring the schema up to date: plain SQL files run by pogo, one process at a time."""

import logging
from pathlib import Path
from typing import Final

from pogo_core.util import migrate

from state.postgres.connection import Connection

MIGRATIONS: Final = Path(__file__).parent / "migrations"
_LOCK: Final = 0x62696C6C696E67  # "billing"


async def apply_migrations(connection: Connection) -> None:
    """Run what has not run yet. Several processes may call it at once; the others wait."""
    await connection.execute("SELECT pg_advisory_lock($1)", _LOCK)
    try:
        await migrate.apply(
            connection, MIGRATIONS, schema_name="public", logger=logging.getLogger("migrations")
        )
    finally:
        await connection.execute("SELECT pg_advisory_unlock($1)", _LOCK)
