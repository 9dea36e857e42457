"""A store that answers, but not in time: what is slow is found, and everybody else goes on."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from consumers import applier
from observability import metrics
from state.postgres import connection as connections
from state.postgres.connection import Connection, connect
from tests.consumers.lanes import SUPPORT, LaneUnderTest, account_id, count, until
from tests.consumers.shelves import RELEASE, applied, parked_since, shelf, waiting
from tests.consumers.test_loop import PROFILE, REGISTERED, register

pytestmark = [pytest.mark.asyncio, pytest.mark.stack]


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    """The fleet's time limits, shorter."""
    monkeypatch.setattr(connections, "STATEMENT_TIMEOUT", "500ms")
    monkeypatch.setattr(connections, "LOCK_TIMEOUT", "200ms")
    monkeypatch.setattr(applier, "MAX_BACKOFF", 0.1)


async def slow_down(connection: Connection, account: str) -> None:
    """Let each write of the account's profile take longer than a statement may."""
    await connection.execute(
        f"""
        CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            PERFORM pg_sleep(2) WHERE NEW.account_id = '{account}';
            RETURN NEW;
        END $$;
        CREATE TRIGGER slow BEFORE INSERT OR UPDATE ON profiles FOR EACH ROW EXECUTE FUNCTION slow();
        """
    )


@asynccontextmanager
async def held(url: str, account: str) -> AsyncIterator[Connection]:
    """An operator who has the account's row locked and thinks about it."""
    operator = await connect(url, name="operator", patient=True)
    try:
        async with operator.transaction():
            await operator.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
            await operator.execute("SELECT FROM accounts WHERE id = $1 FOR UPDATE", account)
            yield operator
    finally:
        await operator.close()


def blocked(connection: Connection) -> Callable[[], Awaitable[bool]]:
    """Whether the lane waits for a lock."""

    async def found() -> bool:
        return bool(
            await connection.fetchval(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                " AND application_name LIKE 'commands-%' AND wait_event_type = 'Lock'"
            )
        )

    return found


def retries(cause: str, lane: str = "commands") -> float:
    """How often a batch was tried again."""
    return float(metrics.BATCH_RETRIES.labels(lane=lane, cause=cause)._value.get())


def paused() -> float:
    """What the only worker of the lane says of itself."""
    return float(metrics.PAUSED.labels(lane="commands", worker="commands-0")._value.get())


def waits() -> float:
    """How often a batch waited for the store."""
    return retries("store_down")


def conflicts() -> float:
    """How often both lanes tried again at once."""
    return retries("conflict") + retries("conflict", "facts")


def risen(figure: Callable[[], float], to: float) -> Callable[[], Awaitable[bool]]:
    """Whether a figure has got there."""

    async def found() -> bool:
        return figure() >= to

    return found


async def test_a_message_that_never_ends_is_found_among_its_neighbours_and_parked(
    commands: LaneUnderTest, facts: LaneUnderTest, connection: Connection
) -> None:
    accounts = [account_id() for _ in range(8)]
    await register(facts, connection, *accounts)
    await slow_down(connection, accounts[3])
    sent = {account: await commands.publish(account, PROFILE) for account in accounts}
    async with commands.running(workers=1):
        await until(
            applied(connection, *(found for account, found in sent.items() if account != accounts[3]))
        )
        await until(waiting(connection, 1))
        assert await shelf(connection, accounts[3]) == [
            (sent[accounts[3]], "commands", "QueryCanceledError while saving")
        ]
        await connection.execute("DROP TRIGGER slow ON profiles")
        await commands.publish(accounts[3], RELEASE, actor=SUPPORT)
        await until(applied(connection, *sent.values()))
    assert await count(connection, "profiles") == 8


async def test_a_row_that_somebody_holds_is_waited_for_and_nobody_is_suspected(
    commands: LaneUnderTest, facts: LaneUnderTest, connection: Connection
) -> None:
    accounts = [account_id() for _ in range(4)]
    await register(facts, connection, *accounts)
    async with held(commands.stack.database_url, accounts[0]):
        sent = [await commands.publish(account, PROFILE) for account in accounts]
        before = waits()
        async with commands.running(workers=1):
            await until(risen(waits, before + 4))
            assert paused() == 1
    assert await count(connection, "parked_commands") == 0
    async with commands.running(workers=1):
        await until(applied(connection, *sent))
        assert paused() == 0
    assert await parked_since(connection, accounts[0]) is None


async def test_a_deadlock_with_somebody_who_keeps_no_order_is_tried_again_at_once(
    commands: LaneUnderTest, facts: LaneUnderTest, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "STATEMENT_TIMEOUT", "10s")
    monkeypatch.setattr(connections, "LOCK_TIMEOUT", "10s")
    first, last = sorted(account_id() for _ in range(2))
    await register(facts, connection, first, last)
    before = conflicts()
    async with held(commands.stack.database_url, last) as operator:
        sent = [await commands.publish(account, PROFILE) for account in (first, last)]
        async with commands.running(workers=1):
            await until(blocked(connection))
            # The lane has the first row and waits for the last; now the operator waits for the first.
            await operator.execute("SELECT FROM accounts WHERE id = $1 FOR UPDATE", first)
            await operator.execute("COMMIT; BEGIN")
            await until(applied(connection, *sent))
    assert conflicts() > before
    assert await count(connection, "profiles") == 2
    assert await count(connection, "parked_commands") == 0


async def test_lanes_that_work_on_the_same_accounts_never_wait_for_each_other_in_a_circle(
    commands: LaneUnderTest, facts: LaneUnderTest, connection: Connection
) -> None:
    accounts = [account_id() for _ in range(20)]
    await register(facts, connection, *accounts)
    before = conflicts()
    sent = [await commands.publish(account, PROFILE) for _ in range(10) for account in accounts]
    sent += [await facts.publish(account, REGISTERED) for _ in range(10) for account in reversed(accounts)]
    async with commands.running(workers=4, batch=20), facts.running(workers=2, batch=20):
        await until(applied(connection, *sent))
    assert conflicts() == before
