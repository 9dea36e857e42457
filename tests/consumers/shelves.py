"""What waits on the shelves of parked accounts, and what became of them."""

from collections.abc import Awaitable, Callable
from uuid import UUID

from state.postgres.connection import Connection
from tests.consumers.lanes import count
from topics.parking import ReleaseParked
from topics.profiles import PatchProfile

RELEASE = ReleaseParked(reason="fixed")
BAD = PatchProfile(billing_email="bad@example.com")
GOOD = PatchProfile(billing_email="good@example.com")


async def shelf(connection: Connection, account: str) -> list[tuple[UUID, str, str | None]]:
    """What waits for an account, in its order: command, lane, error."""
    rows = await connection.fetch(
        "SELECT command_id, lane, error FROM parked_commands WHERE account_id = $1 ORDER BY position", account
    )
    return [(row["command_id"], row["lane"], row["error"]) for row in rows]


def waiting(connection: Connection, number: int) -> Callable[[], Awaitable[bool]]:
    """Whether so many commands are parked."""

    async def enough() -> bool:
        return await count(connection, "parked_commands") == number

    return enough


def applied(connection: Connection, *commands: UUID) -> Callable[[], Awaitable[bool]]:
    """Whether all of these have an outcome."""

    async def all_there() -> bool:
        found: int = await connection.fetchval(
            "SELECT count(*) FROM journal WHERE command_id = ANY($1::uuid[])", commands
        )
        return found == len(commands)

    return all_there


async def parked_since(connection: Connection, account: str) -> object:
    """Whether the account is set aside."""
    return await connection.fetchval("SELECT parked_since FROM accounts WHERE id = $1", account)


async def email(connection: Connection, account: str) -> str | None:
    """The account's billing e-mail address."""
    found: str | None = await connection.fetchval(
        "SELECT billing_email FROM profiles WHERE account_id = $1", account
    )
    return found
