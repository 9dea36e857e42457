"""The PostgreSQL pool of an entry point: made without a connection, so that it starts without PostgreSQL."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final, cast

import asyncpg

from state.postgres.connection import PLANNED_ONCE, Connection, opened

if TYPE_CHECKING:
    Pool = asyncpg.Pool[asyncpg.Record]
else:
    Pool = asyncpg.Pool

_STATEMENT_TIMEOUT: Final = "5s"


def pool(dsn: str, *, name: str, size: int) -> Pool:
    """A pool to be entered with `async with`. Statements are bounded well below the time a caller waits."""
    return asyncpg.create_pool(
        dsn,
        min_size=0,
        max_size=size,
        timeout=3,
        command_timeout=8,
        connect=opened,
        reset=_as_it_is,
        server_settings={
            "application_name": name,
            "jit": "off",
            **PLANNED_ONCE,
            "statement_timeout": _STATEMENT_TIMEOUT,
            "idle_in_transaction_session_timeout": _STATEMENT_TIMEOUT,
            "timezone": "UTC",
        },
    )


@asynccontextmanager
async def taken(connections: Pool) -> AsyncIterator[Connection]:
    """One connection for as long as the block lasts. Raises one of `STORE_DOWN`."""
    async with connections.acquire(timeout=3) as connection:
        yield cast(Connection, connection)


async def _as_it_is(_connection: Any) -> None:
    """Nothing here changes a session, so giving a connection back costs no round trip."""
