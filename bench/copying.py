"""PostgreSQL's own speed: COPY of the very rows that our worker wrote, into tables of the same definition.

One command is one journal row, one profile row and one outbox row, of the same bytes and under the same
indexes and constraints, but for the foreign key to accounts. The profile rows are given ids of their own, as
COPY can't replace rows.
"""

import time
from typing import Any, Final

from bench.plan import Plan
from bench.show import Show
from bench.stage import LOADING_SECONDS, refresh
from state.postgres.connection import Connection

Rows = dict[str, list[tuple[Any, ...]]]

ROWS: Final = {
    "journal": "SELECT * FROM journal",
    "profiles": """
        SELECT replace(command_id::text, '-', ''), first_name, last_name, company, address, address2, city,
               state, zipcode, country, telephone, vat, tax_id_type, billing_email, secondary_billing_email,
               preferred_locale, version, created_on, edited_on, deleted_on
        FROM journal JOIN profiles USING (account_id)""",
    "outbox": "SELECT shard, topic, key, headers, body FROM outbox",
}
COLUMNS: Final = {"outbox": ("shard", "topic", "key", "headers", "body")}


async def measure(connection: Connection, plan: Plan, show: Show) -> dict[int, float]:
    """Commands per second, by the number of commands in one transaction: as many as ours, and more."""
    show.step("apply: reading our rows back")
    rows = {
        table: [tuple(row) for row in await connection.fetch(query, timeout=LOADING_SECONDS)]
        for table, query in ROWS.items()
    }
    return {size: await _copy(connection, rows, size, show) for size in (500, plan.copy_rows)}


async def _copy(connection: Connection, rows: Rows, size: int, show: Show) -> float:
    count = len(rows["journal"])
    done = show.step(f"apply: COPY, {size} commands a commit", count)
    for table in rows:
        await connection.execute(f"DROP TABLE IF EXISTS copied_{table}")
        await connection.execute(f"CREATE TABLE copied_{table} (LIKE {table} INCLUDING ALL)")
    await refresh(connection)
    began = time.monotonic()
    for start in range(0, count, size):
        async with connection.transaction():
            for table, records in rows.items():
                await connection.copy_records_to_table(
                    f"copied_{table}", records=records[start : start + size], columns=COLUMNS.get(table)
                )
        done(start)
    return count / (time.monotonic() - began)
