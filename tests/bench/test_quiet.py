"""A figure of the quiet waits for the quiet, and says so when there was none."""

import asyncio

import pytest

from bench import quiet
from bench.quiet import wait_for_quiet
from bench.show import Done
from state.postgres.connection import Connection, connect
from tests.conftest import Stack
from tests.consumers.lanes import until

pytestmark = [pytest.mark.asyncio, pytest.mark.stack]


class Heard:
    """`Show` that remembers."""

    def __init__(self) -> None:
        self.steps: list[str] = []

    def step(self, text: str, total: int | None = None) -> Done:
        """Noted."""
        self.steps.append(text)
        return lambda done: None


@pytest.fixture(autouse=True)
def quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    """One look will do: the tests beside this one keep the same server busy."""
    monkeypatch.setattr(quiet, "EVERY_SECONDS", 0.02)
    monkeypatch.setattr(quiet, "IN_A_ROW", 1)


async def owe(connection: Connection) -> None:
    await connection.execute("INSERT INTO outbox (shard, topic, headers) VALUES (0, 'a topic', '[]')")


async def test_it_waits_for_what_is_still_owed(connection: Connection, stack: Stack) -> None:
    await owe(connection)
    heard = Heard()
    waiting = asyncio.create_task(wait_for_quiet(connection, heard, "flood", limit=60.0))

    async def heard_of_it() -> bool:
        return waiting.done() or "messages in the outbox" in " ".join(heard.steps)

    await until(heard_of_it)
    assert not waiting.done()
    other = await connect(stack.database_url, name="another")
    await other.execute("DELETE FROM outbox")
    await other.close()
    assert (await waiting or 0.0) > 0.0


async def test_it_goes_on_after_its_limit_and_says_why(connection: Connection) -> None:
    await owe(connection)
    heard = Heard()
    assert await wait_for_quiet(connection, heard, "flood", limit=0.2) is None
    assert "not quiet within" in heard.steps[-1]
    assert "messages in the outbox" in heard.steps[-1]
