"""The life of the database that a connection writes to: another one begins with each failover or restore.

Redis knows commands by this name. A failover may lose commits that were acknowledged; what was said of
them under the former name is then not believed.
"""

from state.postgres.connection import Connection

_NAME = """
    SELECT to_hex(system_identifier) || '-' || substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8)
        || '-' || current_database()
    FROM pg_control_system()
"""
"""The timeline is read from the log that is being written, not from the last checkpoint, which lags behind it."""


async def history(connection: Connection) -> str:
    """System, timeline and database. Raises one of `STORE_DOWN` or `PostgresError` on a server in recovery."""
    name: str = await connection.fetchval(_NAME)
    return name
