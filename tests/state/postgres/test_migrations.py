"""Old workers beside new ones: after each expand migration, rows and statements of the schema before still hold."""

import json
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import asyncpg
import pytest
import pytest_asyncio
from pogo_core.util import sql

from state.postgres import migrate, stores
from state.postgres.connection import Connection, connect
from state.postgres.queries import queries
from tests.conftest import Servers

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.stack]

FILES: Final = sorted(migrate.MIGRATIONS.glob("*.sql"))
DAY: Final = "2026-11-23"
VALUES: Final = {
    "text": "$id",
    "text[]": "{a}",
    "integer": 1,
    "smallint": 1,
    "bigint": 1,
    "boolean": False,
    "bytea": "$bytes",
    "uuid": "$uuid",
    "date": DAY,
    "timestamp with time zone": f"{DAY} 12:00:00+00",
}
"""By type, as JSON has it; what begins with `$` is another one for each row."""
CHOSEN: Final = {
    ("effects", "state"): "open",
    ("journal", "outcome"): "applied",
    ("repairs", "state"): "done",
    ("sweeps", "state"): "done",
}
"""Where not every text will do."""


@dataclass(frozen=True, slots=True)
class Schema:
    """Tables with the columns that a worker of that release writes, and composite types with their attributes."""

    tables: dict[str, tuple[str, ...]]
    columns: dict[tuple[str, str], str]
    types: dict[str, tuple[tuple[str, str], ...]]
    rows: dict[str, list[dict[str, Any]]] = field(default_factory=dict)


@pytest_asyncio.fixture(loop_scope="session")
async def empty(servers: Servers) -> AsyncIterator[Connection]:
    """A connection to a database without a schema."""
    name = f"t_{uuid4().hex[:16]}"
    admin = await asyncpg.connect(servers.database_url)
    await admin.execute(f"CREATE DATABASE {name}")
    opened = await connect(servers.database(name), name="migrations")
    try:
        yield opened
    finally:
        await opened.close()
        await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
        await admin.close()


async def schema(connection: Connection) -> Schema:
    """What a worker that was written for this schema knows of it."""
    found = await connection.fetch(
        "SELECT table_name, column_name, CASE data_type WHEN 'ARRAY' THEN 'text[]' ELSE data_type END AS type"
        " FROM information_schema.columns JOIN information_schema.tables USING (table_schema, table_name)"
        " WHERE table_schema = 'public' AND table_type = 'BASE TABLE' AND is_identity = 'NO'"
        " AND table_name NOT LIKE '%pogo%' AND table_name !~ '^journal_' ORDER BY table_name, ordinal_position"
    )
    tables: dict[str, tuple[str, ...]] = {}
    for row in found:
        tables[row["table_name"]] = (*tables.get(row["table_name"], ()), row["column_name"])
    attributes = await connection.fetch(
        "SELECT udt_name, attribute_name, data_type FROM information_schema.attributes"
        " WHERE udt_schema = 'public' ORDER BY udt_name, ordinal_position"
    )
    types: dict[str, tuple[tuple[str, str], ...]] = {}
    for row in attributes:
        known = types.get(row["udt_name"], ())
        types[row["udt_name"]] = (*known, (row["attribute_name"], row["data_type"]))
    return Schema(tables, {(row["table_name"], row["column_name"]): row["type"] for row in found}, types)


async def write(connection: Connection, known: Schema) -> None:
    """A row in each table, as a worker writes it that knows these columns; all of one account."""
    account, command = uuid4().hex, str(uuid4())
    made = {"$id": account, "$uuid": command, "$bytes": f"\\x{account}"}
    order = sorted(known.tables, key=lambda name: name != "accounts")
    for table in order:
        row = {}
        for column in known.tables[table]:
            value = CHOSEN.get((table, column), VALUES[known.columns[table, column]])
            row[column] = made.get(str(value), value)
        names = ", ".join(f'"{name}"' for name in row)
        given = f"jsonb_populate_record(NULL::{table}, $1::jsonb)"
        await connection.execute(
            f"INSERT INTO {table} ({names}) SELECT {names} FROM {given}",
            json.dumps(row),
        )
        known.rows.setdefault(table, []).append(row)


async def read(connection: Connection, known: Schema, table: str) -> list[Any]:
    """Its rows, as a worker reads them that names these columns."""
    names = ", ".join(f'"{name}"' for name in known.tables[table])
    return [tuple(row) for row in await connection.fetch(f"SELECT {names} FROM {table} ORDER BY ctid")]


async def overwrite(connection: Connection, known: Schema, table: str) -> int:
    """Set every column that such a worker knows to what it is."""
    names = ", ".join(f'"{name}" = "{name}"' for name in known.tables[table])
    return int((await connection.execute(f"UPDATE {table} SET {names}")).split()[1])


async def step(connection: Connection, folder: Path, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run one migration more, as `fleet migrate` does."""
    shutil.copy(file, folder)
    monkeypatch.setattr(migrate, "MIGRATIONS", folder)
    await migrate.apply_migrations(connection, contract=True)


async def survives(connection: Connection, former: Schema, now: Schema) -> None:
    """That rows stay as they are, what is new is filled in, and the former worker's writes and types work."""
    for table, columns in former.tables.items():
        assert set(columns) <= set(now.tables.get(table, ())), f"{table} lost a column"
        count = len(former.rows[table])
        assert await overwrite(connection, former, table) == count
    for name, attributes in former.types.items():
        assert now.types.get(name) == attributes, f"{name} is not what a running worker sends"
        assert await connection.fetchval(f"SELECT count(*) FROM unnest($1::text::{name}[])", "{}") == 0
    await write(connection, former)
    for table, columns in former.tables.items():
        new = [column for column in now.tables[table] if column not in columns]
        required = await connection.fetch(
            "SELECT column_name FROM information_schema.columns"
            " WHERE table_name = $1 AND is_nullable = 'NO' AND column_name = ANY($2)",
            table,
            new,
        )
        for row in required:
            missing = f'SELECT count(*) FROM {table} WHERE "{row["column_name"]}" IS NULL'
            assert await connection.fetchval(missing) == 0


async def test_workers_of_the_release_before_go_on_beside_each_expand_migration(
    empty: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, *others = FILES
    await step(empty, tmp_path, first, monkeypatch)
    low, high = "00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff"
    await empty.execute(f"SELECT add_journal_day('{DAY}', '{low}', '{high}')")
    former = await schema(empty)
    assert {"accounts", "journal", "effects", "outbox"} <= former.tables.keys()
    await write(empty, former)
    for file in others:
        before = {table: await read(empty, former, table) for table in former.tables}
        assert all(before.values())
        await step(empty, tmp_path, file, monkeypatch)
        assert {table: await read(empty, former, table) for table in former.tables} == before, file.stem
        now = await schema(empty)
        if "_expand_" in file.stem:
            await survives(empty, former, now)
        rows = {table: former.rows.get(table, []) for table in now.tables}
        former = Schema(now.tables, now.columns, now.types, rows)
        await write(empty, former)


async def types(connection: Connection) -> set[tuple[Any, ...]]:
    """The composite types that workers send, attribute by attribute."""
    rows = await connection.fetch(
        "SELECT typname, attnum, attname, format_type(atttypid, atttypmod) AS type, collname"
        " FROM pg_type JOIN pg_class ON pg_class.oid = typrelid AND relkind = 'c'"
        " JOIN pg_attribute ON attrelid = pg_class.oid LEFT JOIN pg_collation ON pg_collation.oid = attcollation"
    )
    return {tuple(row) for row in rows}


async def planned(connection: Connection) -> int:
    """Plan every statement of ours; gives how many there are."""
    ours = [
        text for path in migrate.MIGRATIONS.parent.glob("*.sql") for text in vars(queries(path.stem)).values()
    ]
    for statement in (*ours, stores.FORGET):
        await connection.prepare(statement)
    return len(ours)


async def take_back(connection: Connection, names: list[str]) -> None:
    """Run the rollbacks of these, the last first."""
    found = await sql.read_migrations(migrate.MIGRATIONS, connection, schema_name=migrate.SCHEMA)
    for one in sorted((one for one in found if one.id in names), key=lambda one: one.id, reverse=True):
        await one.load().rollback(connection)
        await sql.migration_unapplied(connection, one.id, schema_name=migrate.SCHEMA)


async def test_a_contract_step_waits_until_it_is_asked_for_and_can_be_taken_back(empty: Connection) -> None:
    contracts = [file.stem for file in FILES if "_contract_" in file.stem]
    assert contracts
    assert await migrate.apply_migrations(empty) == contracts
    low, high = "00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff"
    await empty.execute(f"SELECT add_journal_day('{DAY}', '{low}', '{high}')")
    known, expanded = await schema(empty), await types(empty)
    await write(empty, known)
    rows = {table: await read(empty, known, table) for table in known.tables}
    for _ in range(2):
        assert await migrate.apply_migrations(empty, contract=True) == []
        assert await types(empty) < expanded
        assert {table: await read(empty, known, table) for table in known.tables} == rows
        assert await planned(empty) > 100
        await take_back(empty, contracts)
        assert await types(empty) == expanded
        assert {table: await read(empty, known, table) for table in known.tables} == rows
    assert await migrate.apply_migrations(empty, contract=True) == []
    await write(empty, await schema(empty))


@pytest.mark.parametrize(
    ("statement", "error"),
    [
        ("ALTER TABLE accounts DROP COLUMN flags", AssertionError),
        ("ALTER TABLE outbox RENAME COLUMN body TO content", AssertionError),
        ("ALTER TYPE account_in_v2 ADD ATTRIBUTE owner text", AssertionError),
        (
            "ALTER TABLE stray_customers ADD COLUMN owner text NOT NULL DEFAULT '';"
            " ALTER TABLE stray_customers ALTER owner DROP DEFAULT",
            asyncpg.NotNullViolationError,
        ),
        ("ALTER TABLE profiles ADD CHECK (city = 'Leeds') NOT VALID", asyncpg.CheckViolationError),
    ],
)
async def test_a_migration_that_would_stop_them_is_noticed(
    connection: Connection, statement: str, error: type[Exception]
) -> None:
    low, high = "00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff"
    await connection.execute(f"SELECT add_journal_day('{DAY}', '{low}', '{high}')")
    former = await schema(connection)
    await write(connection, former)
    await connection.execute(statement)
    with pytest.raises(error):
        await survives(connection, former, await schema(connection))
