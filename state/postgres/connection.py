"""Connections as the fleet uses them: held for a lifetime, bounded in time, named for the operator."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import asyncpg
import structlog

if TYPE_CHECKING:
    from asyncpg import Connection as _Connection

    Connection = _Connection[asyncpg.Record]
else:
    Connection = asyncpg.Connection

Row = asyncpg.Record

log = structlog.get_logger()

STATEMENT_TIMEOUT: Final = "10s"
"""Below the time in which a partition is handed over."""

LOCK_TIMEOUT: Final = "5s"
"""Somebody else holds a row: it is waited for by trying again, and nothing is suspected (`STORE_DOWN`)."""

IDLE_TIMEOUT: Final = "5s"
"""A process that was stopped in a transaction holds its rows no longer than this."""

PEER_GONE: Final = {
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "25000",
}
"""The server gives a host up that went without a word within half a minute, and with it the shards of a relay and the
locks of a lane that ran there; by default it is two hours."""

PLANNED_ANEW: Final = {"plan_cache_mode": "force_custom_plan"}
"""A statement is planned each time, for the tables as they are by then; it costs up to 0.2 ms of the server."""

PLANNED_ONCE: Final = {"enable_seqscan": "off", "enable_hashjoin": "off", "enable_mergejoin": "off"}
"""For the busiest connections. A plan is kept until the statistics change, maybe one made while the journal of the day
was nearly empty: then reading all of it looked cheapest. By key it is right at any size
(docs/decisions/0025-plans-that-last.md)."""

STORE_DOWN: Final = (
    OSError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.exceptions.InternalClientError,  # A session that was ended between two statements shows like this.
    asyncpg.exceptions.AdminShutdownError,
    asyncpg.exceptions.CrashShutdownError,
    asyncpg.exceptions.CannotConnectNowError,
    asyncpg.exceptions.DatabaseDroppedError,
    asyncpg.exceptions.IdleSessionTimeoutError,
    asyncpg.exceptions.QueryCanceledError,
    asyncpg.exceptions.InsufficientResourcesError,
    asyncpg.exceptions.ReadOnlySQLTransactionError,  # A standby, or a primary that was just demoted.
    asyncpg.exceptions.ObjectNotInPrerequisiteStateError,
    TimeoutError,
)
"""The store can't be reached or is going away: wait and try again, nothing is wrong with the data."""

OVER_TIME: Final = asyncpg.exceptions.QueryCanceledError
"""One of these: the store answers, but a statement ran into its time limit. Load, or the data itself."""

RETRY_NOW: Final = (
    asyncpg.exceptions.TransactionRollbackError,
    asyncpg.exceptions.InvalidCachedStatementError,
)
"""Deadlock, serialization or a plan overtaken by a migration: the same work goes through at once."""


class NotReadyError(ConnectionError):
    """PostgreSQL refused a session, or what comes in it before any transaction. One of `STORE_DOWN`."""


@contextmanager
def before_transactions() -> Iterator[None]:
    """Makes one of `STORE_DOWN` of whatever PostgreSQL refuses in this block, but for what is in `RETRY_NOW`.

    A login that does not hold, a database that is not there yet: nobody's data was looked at, so nothing in it is
    suspected, whatever the SQLSTATE.
    """
    try:
        yield
    except RETRY_NOW:
        raise
    except asyncpg.PostgresError as refused:
        log.warning("session_refused", error=type(refused).__name__, sqlstate=refused.sqlstate)
        raise NotReadyError(str(refused)) from refused


def affected(status: str) -> int:
    """How many rows a statement with this status touched: the last word of PostgreSQL's command tag."""
    return int(status.rpartition(" ")[2])


async def connect(
    dsn: str, *, name: str, patient: bool = False, planning: Mapping[str, str] = PLANNED_ANEW
) -> Connection:
    """One connection with the fleet's time limits. Raises one of `STORE_DOWN`.

    A `patient` one, for migrations, may take as long as an index takes. `planning` is one of the two ways above.
    """
    return await opened(
        dsn,
        timeout=5,
        command_timeout=None if patient else 30,
        server_settings={
            "application_name": name,
            "jit": "off",
            **planning,
            **PEER_GONE,
            "statement_timeout": "0" if patient else STATEMENT_TIMEOUT,
            "lock_timeout": "0" if patient else LOCK_TIMEOUT,
            "idle_in_transaction_session_timeout": IDLE_TIMEOUT,
            "timezone": "UTC",
        },
    )


async def opened(*arguments: Any, **options: Any) -> Connection:
    """What `asyncpg.connect` opens, for pools too. Raises one of `STORE_DOWN`."""
    with before_transactions():
        return await asyncpg.connect(*arguments, **options)
