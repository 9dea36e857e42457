"""A store that goes away: the lane waits and goes on, and nothing is done twice whatever was lost."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from urllib.parse import urlsplit, urlunsplit

import pytest
from prometheus_client import REGISTRY

from sandbox.local.proxy import FaultProxy
from state.postgres import outbox
from state.postgres.connection import Connection, connect
from state.postgres.outbox import OutboxRow
from tests.consumers.lanes import LaneUnderTest, account_id, count, until
from tests.consumers.test_loop import PROFILE, decided, register
from topics.profiles import PatchProfile

pytestmark = [pytest.mark.asyncio, pytest.mark.stack]


async def cut_all(stack_url: str, prefix: str) -> int:
    """Terminate the connections of a lane; gives how many."""
    operator = await connect(stack_url, name="operator")
    try:
        found: int = await operator.fetchval(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
            "WHERE datname = current_database() AND application_name LIKE $1",
            prefix + "%",
        )
        return found
    finally:
        await operator.close()


async def profile_of(connection: Connection, account: str) -> tuple[int, str]:
    """Version and e-mail address."""
    row = await connection.fetchrow(
        "SELECT version, billing_email FROM profiles WHERE account_id = $1", account
    )
    assert row is not None
    return row["version"], row["billing_email"]


async def test_connections_that_are_cut_in_the_middle_of_a_batch_lose_nothing(
    commands: LaneUnderTest, facts: LaneUnderTest, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = account_id()
    await register(facts, connection, account)
    add = outbox.add
    cuts: list[int] = []

    async def cut_before(lane: Connection, rows: Sequence[OutboxRow]) -> None:
        if len(cuts) < 2:
            cuts.append(await cut_all(commands.stack.database_url, "commands-"))
        await add(lane, rows)

    monkeypatch.setattr(outbox, "add", cut_before)
    async with commands.running():
        await commands.publish(account, PROFILE)
        await commands.publish(account, PatchProfile(billing_email="b@example.com"))
        await until(decided(connection, 3))
    assert len(cuts) == 2
    assert all(cuts)
    assert await profile_of(connection, account) == (2, "b@example.com")
    events = await connection.fetchval("SELECT count(*) FROM outbox WHERE key = $1", account)
    assert events == 3
    assert await count(connection, "parked_commands") == 0


def measured(name: str) -> float:
    """A series of the lane of commands."""
    return REGISTRY.get_sample_value(name, {"lane": "commands"}) or 0.0


async def test_what_is_measured_is_one_transaction_and_not_the_wait_for_a_store(
    commands: LaneUnderTest, facts: LaneUnderTest, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = account_id()
    await register(facts, connection, account)
    add = outbox.add
    left = [ConnectionResetError("down"), ConnectionResetError("down")]

    async def down_at_first(lane: Connection, rows: Sequence[OutboxRow]) -> None:
        if left:
            await asyncio.sleep(2)
            raise left.pop()
        await add(lane, rows)

    monkeypatch.setattr(outbox, "add", down_at_first)
    names = [
        f"billing_batch_{what}" for what in ("duration_seconds_sum", "duration_seconds_count", "size_sum")
    ]
    retried = {"lane": "commands", "cause": "store_down"}
    before = [measured(name) for name in names]
    tries = REGISTRY.get_sample_value("billing_batch_retries_total", retried) or 0.0
    async with commands.running(workers=1):
        await commands.publish(account, PROFILE)
        await until(decided(connection, 2))
    seconds, transactions, records = (
        measured(name) - former for name, former in zip(names, before, strict=True)
    )
    assert (transactions, records) == (1, 1)
    assert 0 < seconds < 2
    assert REGISTRY.get_sample_value("billing_batch_retries_total", retried) == tries + 2


async def test_a_commit_whose_answer_was_lost_is_not_repeated(
    commands: LaneUnderTest, facts: LaneUnderTest, connection: Connection
) -> None:
    account = account_id()
    await register(facts, connection, account)
    direct = urlsplit(commands.stack.database_url)
    assert direct.port is not None
    async with FaultProxy(direct.port) as proxy:
        through = urlunsplit(direct._replace(netloc=f"{direct.username}@127.0.0.1:{proxy.port}"))
        lane = replace(commands, stack=replace(commands.stack, database_url=through))
        async with lane.running(workers=1):
            await commands.publish(account, PROFILE)
            await until(decided(connection, 2))
            lost = proxy.drop_reply_to(lambda sent: b"COMMIT;" in sent)
            await commands.publish(account, PatchProfile(billing_email="b@example.com"))
            async with asyncio.timeout(20):
                await lost.wait()
            await commands.publish(account, PatchProfile(billing_email="c@example.com"))
            await until(decided(connection, 4))
    assert await profile_of(connection, account) == (3, "c@example.com")
    events = await connection.fetchval("SELECT count(*) FROM outbox WHERE key = $1", account)
    assert events == 4


async def test_a_store_that_is_silent_is_waited_for(
    commands: LaneUnderTest, facts: LaneUnderTest, connection: Connection
) -> None:
    account = account_id()
    await register(facts, connection, account)
    direct = urlsplit(commands.stack.database_url)
    assert direct.port is not None
    async with FaultProxy(direct.port) as proxy:
        through = urlunsplit(direct._replace(netloc=f"{direct.username}@127.0.0.1:{proxy.port}"))
        lane = replace(commands, stack=replace(commands.stack, database_url=through))
        async with lane.running(workers=1):
            await commands.publish(account, PROFILE)
            await until(decided(connection, 2))
            proxy.blackhole()
            await commands.publish(account, PatchProfile(billing_email="b@example.com"))
            await asyncio.sleep(0.3)
            proxy.reset_all()
            proxy.flow()
            await until(decided(connection, 3))
    assert await profile_of(connection, account) == (2, "b@example.com")
