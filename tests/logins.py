"""A database that answers and lets nobody in."""

from state.postgres.connection import Connection


async def shut(operator: Connection, sessions: str = "") -> int:
    """Let nobody in from now on, and end the sessions whose name begins like this; gives how many ended.

    PostgreSQL says 42501, which is none of the classes of a server that goes away.
    """
    database = await operator.fetchval("SELECT current_database()")
    await operator.execute(f"REVOKE CONNECT ON DATABASE {database} FROM PUBLIC, CURRENT_USER")
    ended: int = await operator.fetchval(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
        " WHERE datname = $1 AND pid <> pg_backend_pid() AND starts_with(application_name, $2)",
        database,
        sessions,
    )
    return ended


async def let_in(operator: Connection) -> None:
    """As before."""
    database = await operator.fetchval("SELECT current_database()")
    await operator.execute(f"GRANT CONNECT ON DATABASE {database} TO PUBLIC, CURRENT_USER")
