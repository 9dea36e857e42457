"""The publishing client for upstream services."""

from uuid import UUID, uuid4

import pytest

from consumers.lane import LANES
from producers import upstream
from producers.publisher import NotPublishedError
from producers.trace import new_id
from producers.upstream import UpstreamClient
from state.postgres import accounts
from state.postgres.connection import Connection
from tests.conftest import ROOT, Stack
from tests.consumers.lanes import LaneUnderTest, account_id, journaled, until
from topics.accounts import AccountRegistered, AccountType
from topics.codec import decode
from topics.ids import uuid7_ms
from topics.message import Received, Record
from topics.table import FACTS

pytestmark = [pytest.mark.asyncio, pytest.mark.stack]


@pytest.fixture
def client(stack: Stack, facts: LaneUnderTest, monkeypatch: pytest.MonkeyPatch) -> UpstreamClient:
    monkeypatch.setattr(upstream, "FACTS", facts.lane.topic)
    return UpstreamClient(stack.kafka_bootstrap, source="accounts-service")


async def test_a_registered_account_is_known_here(
    client: UpstreamClient, facts: LaneUnderTest, connection: Connection
) -> None:
    account = account_id()
    async with client, facts.running():
        await client.account_registered(account, account_type=AccountType.STARTUP)
        await until(lambda: accounts.load(connection, [account]))
    record = (await accounts.load(connection, [account]))[account]
    assert record.type is AccountType.STARTUP
    row = await connection.fetchrow(
        "SELECT actor, actor_role, surface FROM journal WHERE account_id = $1", account
    )
    assert row is not None
    assert tuple(row) == ("accounts-service", "service", "accounts-service")


async def test_a_fact_told_twice_under_one_id_is_one_fact(
    client: UpstreamClient, facts: LaneUnderTest, connection: Connection
) -> None:
    account, fact_id = account_id(), new_id()
    async with client, facts.running():
        for _ in range(3):
            told = await client.account_registered(account, account_type=AccountType.PAY_GO, fact_id=fact_id)
            assert told == fact_id
        last = account_id()
        await client.account_registered(last, account_type=AccountType.PAY_GO)
        await until(lambda: accounts.load(connection, [account]))
        await until(lambda: accounts.load(connection, [last]))
    assert len(await journaled(connection, account)) == 1


async def test_what_can_not_be_right_is_refused_before_it_is_published(client: UpstreamClient) -> None:
    for strange in ("x", "A" * 32):
        with pytest.raises(ValueError, match="32 lower-case"):
            await client.account_registered(strange, account_type=AccountType.PAY_GO)
    with pytest.raises(ValueError, match="version 7"):
        await client.account_registered(account_id(), account_type=AccountType.PAY_GO, fact_id=uuid4())
    with pytest.raises(ValueError, match="1 to 100"):
        UpstreamClient("x:1", source="")


async def test_an_unreachable_broker_is_told_after_the_deadline() -> None:
    async with UpstreamClient("127.0.0.1:1", source="accounts-service", deadline=0.3) as cut:
        with pytest.raises(NotPublishedError):
            await cut.account_registered(account_id(), account_type=AccountType.PAY_GO)


def documented() -> tuple[dict[str, str], bytes]:
    """The example of docs/upstream.md: its lines by name, and its body."""
    page = (ROOT / "docs" / "upstream.md").read_text()
    _, _, text = page.partition("```text\n")
    lines, _, rest = text.partition("```")
    _, _, body = rest.partition("```json\n")
    return dict(line.split(": ", 1) for line in lines.splitlines()), body.partition("```")[0].encode()


async def test_the_documented_example_is_understood() -> None:
    lines, body = documented()
    record = Record(
        topic=lines.pop("topic"),
        partition=0,
        offset=0,
        timestamp_ms=uuid7_ms(UUID(lines["ce_id"])),
        key=lines.pop("key").encode(),
        value=body,
        headers=tuple((name, value.encode()) for name, value in lines.items()),
    )
    assert record.topic == FACTS.name
    (received,) = decode([record], LANES["facts"].kinds)
    assert isinstance(received, Received)
    assert received.message == AccountRegistered(account_type=AccountType.PAY_GO)


async def test_every_fact_of_upstream_is_documented() -> None:
    page = (ROOT / "docs" / "upstream.md").read_text()
    assert f"`{AccountRegistered.type}`" in page
    assert all(f"`{kind.value}`" in page for kind in AccountType)
