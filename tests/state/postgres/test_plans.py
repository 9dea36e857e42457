"""Plans that a connection keeps are right at any size of the tables, also when they were made on empty ones."""

import json
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pytest
import pytest_asyncio

from consumers.applier import Applier
from consumers.lane import LANES
from state.postgres import connection as connections
from state.postgres.connection import PLANNED_ONCE, Connection, connect
from state.postgres.journal import Days
from state.postgres.queries import queries
from state.postgres.stores import FORGET
from tests.conftest import Stack
from topics.ids import uuid7_floor

pytestmark = [pytest.mark.asyncio, pytest.mark.stack]

SQL: Final = Path(connections.__file__).parent

RUN: Final = (
    *("accounts", "api_tokens", "cursors", "idempotency", "journal", "outbox", "parking", "payment_methods"),
    *("paypal_migrations", "profiles", "stripe_customers", "subscriptions"),
)
"""Files whose statements a lane, the relay or an entry point runs."""
ALSO: Final = frozenset({("effects", "add"), ("effects", "hurry"), ("effects", "open_of")})
BUT: Final = frozenset(
    {
        ("api_tokens", "listed"),
        ("cursors", "listed"),
        ("parking", "listed"),
        ("paypal_migrations", "standing"),
    }
)
"""For operators, sweeps and gauges."""


@pytest_asyncio.fixture
async def empty(stack: Stack) -> AsyncIterator[Connection]:
    """A connection like a lane's to tables that are empty, with a journal of today."""
    opened = await connect(stack.database_url, name="plans", planning=PLANNED_ONCE)
    await opened.execute("SET plan_cache_mode = force_generic_plan")
    await opened.execute(
        "SET enable_partition_pruning = off"
    )  # It would leave nothing to plan for ids that are NULL.
    await Days().ensure(opened, [uuid7_floor(datetime.now(UTC))])
    yield opened
    await opened.close()


def statements() -> dict[tuple[str, str], str]:
    """What is run most, by file and name."""
    every = {
        (path.stem, name): text
        for path in SQL.glob("*.sql")
        for name, text in vars(queries(path.stem)).items()
    }
    assert every.keys() >= ALSO | BUT
    run = {
        found: text
        for found, text in every.items()
        if found in ALSO or (found[0] in RUN and found not in BUT)
    }
    return {**run, ("stores", "forget"): FORGET}


def nodes(plan: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """A plan's nodes."""
    yield plan
    for below in plan.get("Plans", ()):
        yield from nodes(below)


def reads_all(node: Mapping[str, Any]) -> bool:
    """Whether it goes through a whole table or index."""
    whole_index = node["Node Type"] in {"Index Scan", "Index Only Scan"} and "Index Cond" not in node
    return node["Node Type"] in {"Seq Scan", "Hash Join", "Merge Join"} or whole_index


async def by_key(connection: Connection, statement: str) -> bool:
    """Whether its lasting plan touches only what it has the keys of, or stops after some rows in order."""
    count = max(map(int, re.findall(r"\$(\d+)", statement)), default=0)
    given = f"({', '.join(['NULL'] * count)})" if count else ""
    await connection.execute(f"PREPARE asked AS {statement}")
    found = json.loads(await connection.fetchval(f"EXPLAIN (FORMAT JSON) EXECUTE asked{given}"))
    await connection.execute("DEALLOCATE asked")
    return not any(reads_all(node) for node in nodes(found[0]["Plan"]))


@pytest.mark.parametrize("known", ["nothing", "that they are empty"])
async def test_what_is_run_most_is_planned_by_key_while_the_tables_are_empty(
    empty: Connection, known: str
) -> None:
    if known != "nothing":
        await empty.execute("VACUUM ANALYZE")
    assert {found for found, text in statements().items() if not await by_key(empty, text)} == set()


async def test_whether_an_account_shares_a_customer_is_asked_by_key(empty: Connection) -> None:
    assert await by_key(empty, "SELECT account_id FROM sharing_accounts WHERE account_id = ANY($1::text[])")


async def test_the_journal_of_a_young_day_would_be_read_as_a_whole_without_that_setting(
    empty: Connection,
) -> None:
    now = datetime.now(UTC)
    await empty.execute(
        "INSERT INTO journal (command_id, account_id, type, lane, actor, actor_role, surface, outcome, decided_at)"
        " SELECT uuidv7(), 'account', 'type', 'commands', 'actor', 'system', 'test', 'applied', $1"
        " FROM generate_series(1, 100)",
        now,
    )
    await empty.execute("VACUUM ANALYZE journal")
    known = queries("journal").known
    assert await by_key(empty, known)
    await empty.execute("SET enable_seqscan = on")
    assert not await by_key(empty, known)


async def test_a_lane_plans_like_this(stack: Stack) -> None:
    applier = Applier(LANES["commands"], stack.database_url, "plans")
    opened = await applier._connected()
    try:
        assert await opened.fetchval("SHOW enable_seqscan") == "off"
    finally:
        await applier.close()
