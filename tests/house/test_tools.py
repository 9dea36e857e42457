"""Each tool finds what it is for, explains itself, and lets the rest pass."""

from pathlib import Path

import grimp
import pytest

from tests.house import addresses, contract, grid, migrations, money, purity, shape, transactions
from tests.house.sources import Source


def source(text: str, path: str = "handlers/invoices.py") -> Source:
    """A module that somebody might write."""
    return Source(path, text)


@pytest.mark.parametrize(
    "text",
    [
        "import random",
        "import os.path",
        "from pathlib import Path",
        "import asyncpg",
        "from state.postgres import accounts",
        "from observability import metrics",
        "from time import monotonic",
        "from uuid import uuid4",
        "import uuid",
        "from uuid6 import uuid7",
        "from . import accounts",
        "from datetime import datetime\nmoment = datetime.now()",
        "import datetime\nday = datetime.date.today()",
        "stamp = clock.utcnow",
        "text = open('file').read()",
        "print('x')",
        "async def decide(): ...",
        "def decide():\n    def inner():\n        import socket",
    ],
)
def test_a_handler_that_reaches_out_is_found(text: str) -> None:
    (found,) = purity.violations(source(text))
    assert found.startswith("handlers/invoices.py:")
    assert found.endswith(".")


def test_a_pure_handler_passes() -> None:
    text = (
        "from datetime import datetime, timedelta\nfrom uuid import UUID\nfrom decimal import Decimal\n"
        "from topics.codes import Code\nfrom handlers.decision import Applied\nimport stdnum.util\n"
        "def due(context: Context) -> datetime:\n    return context.now + timedelta(days=14)\n"
    )
    assert list(purity.violations(source(text))) == []


@pytest.mark.parametrize(
    "text",
    [
        "amount: float = 0.0",
        "class A:\n    balance: float | None = None",
        "class A:\n    def __init__(self):\n        self.total_price: 'float' = 1.0",
        "def pay(amount_to_pay: float) -> None: ...",
        "def pay(*, fees: list[float]) -> None: ...",
        "def amount_owed() -> float: ...",
        "async def amount_owed() -> float: ...",
        "credit: Optional[float]",
    ],
)
def test_money_as_a_float_is_found(text: str) -> None:
    (found,) = money.violations(source(text))
    assert "integer of minor units" in found


@pytest.mark.parametrize(
    "text",
    [
        "amount: int",
        "total_seconds: float",
        "def total_count() -> float: ...",
        "creditor: float",
        "seconds: float",
        "def amount() -> int:\n    rate: float = 0.5",
        "def f(amount): ...",
    ],
)
def test_what_is_no_money_or_no_float_passes(text: str) -> None:
    assert list(money.violations(source(text))) == []


@pytest.mark.parametrize(
    ("path", "text", "word"),
    [
        ("state/utils.py", '"""X."""', "says nothing"),
        ("state/date_helpers.py", '"""X."""', "says nothing"),
        ("state/common/money.py", '"""X."""', "says nothing"),
        ("consumers/base_consumer.py", '"""X."""', "says nothing"),
        ("state/x.py", "import re", "no docstring"),
        ("state/x.py", "", "no docstring"),
        ("tests/test_x.py", "\n", "no docstring"),
        ("state/x.py", '"""X."""\n' + "a = 1\n" * 400, "more than 400"),
    ],
)
def test_a_shapeless_module_is_found(path: str, text: str, word: str) -> None:
    (found,) = shape.violations(source(text, path))
    assert word in found


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("state/database.py", '"""One idea."""\nimport re\n'),
        ("state/__init__.py", ""),
        ("state/x.py", '"""X."""\n' + "a = 1\n" * 399),
    ],
)
def test_a_module_in_good_shape_passes(path: str, text: str) -> None:
    assert list(shape.violations(source(text, path))) == []


@pytest.mark.parametrize(
    "text",
    [
        "async with connection.transaction(): ...",
        "async with connection.transaction(readonly=maybe): ...",
        "connection.commit()",
        "await connection.execute('BEGIN')",
        "await connection.execute('COMMIT')",
    ],
)
def test_a_transaction_in_another_place_is_found(text: str) -> None:
    wrapped = f"async def work():\n    {text}"
    (found,) = transactions.violations(source(wrapped, "producers/dashboard/profiles.py"))
    assert "transaction" in found
    assert list(transactions.violations(source(wrapped, "consumers/batch.py"))) == []


@pytest.mark.parametrize(
    "text",
    [
        "async with connection.transaction(isolation='repeatable_read', readonly=True): ...",
        "await log.commit({1: 2})",
        "text = 'Begin with a letter.'",
    ],
)
def test_reading_and_offsets_are_no_transactions(text: str) -> None:
    wrapped = f"async def work():\n    {text}"
    assert list(transactions.violations(source(wrapped, "producers/dashboard/profiles.py"))) == []


@pytest.mark.parametrize(
    "line",
    [
        "url = 'https://" + "pypi" + ".org/simple'",
        "path = '/" + "tmp/dev/stack.env'",
        "see /" + "home/ada/notes",
        "(/" + "root/x)",
    ],
)
def test_an_address_is_found(line: str) -> None:
    (found,) = addresses.violations("docs/x.md", f"first\n{line}\n")
    assert found.startswith("docs/x.md:2:")


@pytest.mark.parametrize("line", ["/client/v4/tmp/x", "${HOME}/tmp/x", "a/work/b", "https://api.stripe.com"])
def test_a_path_of_nobodys_machine_passes(line: str) -> None:
    assert list(addresses.violations("docs/x.md", line)) == []


def test_a_capability_that_lacks_a_room_is_found(tmp_path: Path) -> None:
    for pattern in grid.EVERYWHERE[1:]:
        path = tmp_path / pattern.format(name="invoices")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (found,) = grid.violations(tmp_path, "invoices")
    assert found.startswith("topics/invoices.py:1: is missing")
    (tmp_path / "topics").mkdir()
    (tmp_path / "topics/invoices.py").touch()
    assert list(grid.violations(tmp_path, "invoices")) == []


def test_a_contract_that_lets_the_loop_know_too_much_is_found() -> None:
    graph = grimp.ImportGraph()
    graph.add_import(importer="consumers.loop", imported="consumers.held")
    for module in contract.ENTRANCES:
        graph.add_module(module)
    written = {
        "source_modules": list(contract.ENTRANCES),
        "forbidden_modules": ["topics.*", "handlers.*", "state.postgres.invoices"],
        "ignore_imports": ["consumers.* -> topics.invoices", "consumers.* -> topics.table"],
    }
    (room,) = contract.open_rooms(written)
    (allowed,) = contract.too_much(written, {"invoices", "accounts"})
    (free,) = contract.unbound(written, graph)
    assert "`state.postgres.*`" in room
    assert "`consumers.* -> topics.invoices`" in allowed
    assert "`consumers.held`" in free


@pytest.mark.parametrize(("importer", "found"), [("consumers.batch", 0), ("consumers.*", 1)])
def test_the_account_is_known_to_the_modules_that_lock_it_and_to_no_others(importer: str, found: int) -> None:
    written = {"ignore_imports": [f"{importer} -> handlers.accounts"]}
    assert len(list(contract.too_much(written, {"accounts"}))) == found


def expanding(*statements: str) -> list[str]:
    """What is found in an expand migration of these statements."""
    text = f"-- depends:\n{migrations.APPLY}\n{';'.join(statements)};\n{migrations.ROLLBACK}\nDROP TABLE x;\n"
    return list(migrations.violations("20270101_01_expand_notes", text))


@pytest.mark.parametrize(
    "statement",
    [
        "DROP TABLE notes",
        "DROP TYPE note_in_v1",
        "ALTER TYPE note_in_v1 ADD ATTRIBUTE author text",
        "ALTER TABLE notes RENAME COLUMN text TO body",
        "ALTER TABLE notes DROP COLUMN text",
        "ALTER TABLE notes ALTER COLUMN version TYPE bigint",
        "ALTER TABLE notes ALTER COLUMN text SET NOT NULL",
        "ALTER TABLE notes ALTER COLUMN version DROP DEFAULT",
        "ALTER TABLE notes ADD COLUMN author text NOT NULL",
        "ALTER TABLE notes ADD COLUMN pages integer DEFAULT 0, ADD COLUMN author text NOT NULL",
        "ALTER TABLE notes ADD COLUMN kind text CHECK (kind IN ('a', 'b'))",
        "ALTER TABLE notes ADD CONSTRAINT short CHECK (length(text) < 10) NOT VALID",
        "ALTER TABLE notes ADD FOREIGN KEY (author) REFERENCES accounts (id)",
        "CREATE UNIQUE INDEX notes_one ON notes (account_id)",
        "CREATE OR REPLACE FUNCTION add_journal_day(day date) RETURNS void AS $$ SELECT 1; $$ LANGUAGE sql",
        "CREATE TRIGGER told BEFORE INSERT ON notes EXECUTE FUNCTION tell()",
        "UPDATE notes SET text = ''",
        "DELETE FROM notes",
        "DO $$ BEGIN DROP TABLE notes; END $$",
    ],
)
def test_what_a_former_worker_would_not_survive_is_found(statement: str) -> None:
    (found,) = expanding(statement)
    assert found.startswith("state/postgres/migrations/20270101_01_expand_notes.sql:1: `")


@pytest.mark.parametrize(
    "statements",
    [
        ("CREATE TABLE notes (text text NOT NULL)", "CREATE UNIQUE INDEX notes_one ON notes (text)"),
        ("CREATE TABLE notes (text text)", "ALTER TABLE notes ADD CONSTRAINT short CHECK (length(text) < 9)"),
        ("CREATE TYPE note_in_v2 AS (text text, author text)",),
        ("ALTER TABLE notes ADD COLUMN author text",),
        ("ALTER TABLE notes ADD COLUMN a text NOT NULL DEFAULT '[;,]', ADD COLUMN b numeric(9, 2)",),
        ("ALTER TABLE notes ALTER COLUMN position SET DEFAULT nextval('notes_position')",),
        ("CREATE INDEX CONCURRENTLY notes_by_author ON notes (author)",),
        ("-- DROP TABLE notes;\nCREATE SEQUENCE notes_position",),
    ],
)
def test_what_only_adds_passes(statements: tuple[str, ...]) -> None:
    assert expanding(*statements) == []


def test_a_migration_says_which_of_the_two_it_is() -> None:
    (found,) = migrations.violations("20270101_01_notes", f"{migrations.APPLY}\nDROP TABLE notes;\n")
    assert "neither" in found


def test_an_expand_migration_waits_for_no_contract() -> None:
    text = f"-- depends: 20270101_01_contract_notes\n{migrations.APPLY}\nCREATE TABLE notes (a text);\n"
    (found,) = migrations.violations("20270102_01_expand_notes", text)
    assert "depends on a contract step" in found


def contracting(statement: str, code: str) -> list[str]:
    """What is found in a contract migration of this statement, beside this code."""
    text = f"{migrations.APPLY}\n{statement};\n{migrations.ROLLBACK}\n"
    return list(migrations.violations("20270101_01_contract_notes", text, code))


@pytest.mark.parametrize(
    ("statement", "left"),
    [
        ("DROP TYPE note_in_v1, note_in_v2", "FROM unnest($1::note_in_v2[])"),
        ("DROP TABLE note_pages", "SELECT text FROM note_pages"),
        ("DROP VIEW long_notes", "SELECT text FROM long_notes"),
        ("ALTER TABLE notes DROP COLUMN author, DROP COLUMN pages", 'row["pages"]'),
    ],
)
def test_a_contract_takes_away_what_nothing_names(statement: str, left: str) -> None:
    assert contracting(statement, "FROM unnest($1::note_in_v3[])") == []
    (found,) = contracting(statement, left)
    assert "which the code still names" in found


@pytest.mark.parametrize(
    ("statement", "passes"),
    [
        ("UPDATE notes SET author = '' WHERE author IS NULL", True),
        ("ALTER TABLE notes ALTER COLUMN author SET NOT NULL", True),
        ("ALTER TABLE notes DROP COLUMN pages, ALTER author SET NOT NULL", True),
        ("DROP TYPE IF EXISTS note_in_v1", False),
        ("DROP TYPE note_in_v1 CASCADE", False),
        ("ALTER TYPE note_in_v1 ADD ATTRIBUTE author text", False),
        ("ALTER TABLE notes RENAME COLUMN text TO body", False),
        ("CREATE TABLE pages (text text)", False),
        ("DELETE FROM notes", False),
    ],
)
def test_a_contract_does_nothing_else(statement: str, passes: bool) -> None:
    assert (contracting(statement, "") == []) is passes
