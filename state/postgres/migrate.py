"""Bring the schema up to date: plain SQL files run by pogo, one process at a time.

Expand steps leave the workers of every release before alone; contract steps wait until somebody says that none runs.
"""

import logging
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from pogo_core.error import BadMigrationError
from pogo_core.util import migrate
from pogo_core.util.sql import get_applied_migrations

from state.postgres.connection import Connection

MIGRATIONS: Final = Path(__file__).parent / "migrations"
SCHEMA: Final = "public"
_CONTRACT: Final = "_contract_"
_LOCK: Final = 0x62696C6C696E67  # "billing"


class MigrationFailedError(Exception):
    """A step did not run, with its file and the reason. Those before it stay, and the next try goes on with it."""


async def apply_migrations(connection: Connection, *, contract: bool = False) -> list[str]:
    """Run the expand steps that have not run yet, with `contract` the others too; gives those that still wait.

    Several processes may call it at once; the others wait. No expand step depends on a contract step.
    Raises `MigrationFailedError`.
    """
    files = sorted(MIGRATIONS.glob("*.sql"))
    await connection.execute("SELECT pg_advisory_lock($1)", _LOCK)
    try:
        await _apply(connection, [one for one in files if contract or _CONTRACT not in one.stem])
        applied = await get_applied_migrations(connection, schema_name=SCHEMA)
    finally:
        await connection.execute("SELECT pg_advisory_unlock($1)", _LOCK)
    return [one.stem for one in files if one.stem not in applied]


async def _apply(connection: Connection, files: list[Path]) -> None:
    """Pogo runs a folder, not a choice of files."""
    with TemporaryDirectory() as folder:
        for file in files:
            (Path(folder) / file.name).symlink_to(file)
        try:
            await migrate.apply(
                connection, Path(folder), schema_name=SCHEMA, logger=logging.getLogger("migrations")
            )
        except BadMigrationError as bad:
            raise MigrationFailedError(_told(bad)) from bad


def _told(bad: BadMigrationError) -> str:
    """Pogo names the file, and PostgreSQL says why; of a file that can't be read pogo itself has said that."""
    cause = bad.__cause__
    return str(bad) if cause is None or isinstance(cause, ValueError) else f"{bad}: {cause}"
