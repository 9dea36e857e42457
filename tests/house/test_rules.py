"""Our sources keep the rules of the house."""

import re
from pathlib import PurePosixPath

import grimp
import pytest
from prometheus_client.metrics import MetricWrapperBase

from handlers import registry as handlers_registry
from observability import metrics
from state.postgres import stores
from state.postgres.migrate import MIGRATIONS
from tests.house import addresses, contract, grid, migrations, money, purity, shape, transactions
from tests.house.sources import ROOMS, ROOT, Source, python, tracked
from topics import registry as topics_registry

EVERYTHING = python()
OURS = [source for source in EVERYTHING if source.room in ROOMS]
BINARY = {".png", ".gz", ".jar", ".pdf", ".ico", ".woff2"}


def told(violations: list[str]) -> str:
    """All violations, one a line."""
    return "\n" + "\n".join(violations)


def test_there_is_something_to_look_at() -> None:
    assert {source.room for source in OURS} >= {"topics", "handlers", "state", "consumers", "producers"}


def test_handlers_are_pure() -> None:
    found = [text for source in EVERYTHING if source.room == "handlers" for text in purity.violations(source)]
    assert not found, told(found)


def test_money_is_never_a_float() -> None:
    found = [text for source in OURS for text in money.violations(source)]
    assert not found, told(found)


def test_modules_have_a_name_an_idea_and_an_end() -> None:
    found = [text for source in EVERYTHING for text in shape.violations(source)]
    assert not found, told(found)


def test_transactions_begin_in_few_places() -> None:
    looked_at = [source for source in OURS if source.room not in {"sandbox", "bench"}]
    found = [text for source in looked_at for text in transactions.violations(source)]
    assert not found, told(found)


@pytest.mark.parametrize("path", transactions.ALLOWED)
def test_a_place_that_may_begin_transactions_does(path: str) -> None:
    assert list(transactions.writing(Source(path, (ROOT / path).read_text())))


def test_nothing_committed_names_a_machine_or_a_registry() -> None:
    found = [
        violation
        for path in tracked()
        if path.suffix not in BINARY
        for violation in addresses.violations(
            PurePosixPath(path.relative_to(ROOT)).as_posix(), path.read_text(errors="replace")
        )
    ]
    assert not found, told(found)


def test_every_metric_is_measured_somewhere() -> None:
    elsewhere = "".join(source.text for source in OURS if source.path != "observability/metrics.py")
    metrics_there_are = {
        name for name, value in vars(metrics).items() if isinstance(value, MetricWrapperBase)
    }
    assert not {name for name in metrics_there_are if not re.search(rf"\b{name}\b", elsewhere)}


CAPABILITIES = [grid.name_of(module) for module in topics_registry.CAPABILITIES]


@pytest.mark.parametrize("name", CAPABILITIES)
def test_a_capability_is_in_every_room(name: str) -> None:
    found = list(grid.violations(ROOT, name))
    assert not found, told(found)


def test_a_capability_has_the_same_name_in_every_room() -> None:
    decided = {grid.name_of(module) for module in handlers_registry.CAPABILITIES}
    kept = {grid.name_of(module) for module in stores.CAPABILITIES}
    assert decided == kept | grid.PARTLESS == set(CAPABILITIES) - set(grid.OF_THE_LOOP)


def test_the_loop_knows_no_capability_that_is_there_or_comes() -> None:
    written = contract.text_of(str(ROOT / ".importlinter"))
    of_the_loop = set(grid.OF_THE_LOOP)
    found = [
        *contract.open_rooms(written),
        *contract.too_much(written, set(CAPABILITIES) - of_the_loop),
        *contract.unbound(written, grimp.build_graph("consumers")),
    ]
    assert not found, told(found)


def test_the_statements_of_the_loop_name_no_table_of_a_capability() -> None:
    texts = {path.stem: path.read_text() for path in MIGRATIONS.parent.glob("*.sql")}
    changes = "".join(path.read_text() for path in MIGRATIONS.glob("*.sql"))
    tables = set(re.findall(r"CREATE (?:TABLE|VIEW) (\w+)", changes))
    assert tables > set().union(*contract.TABLES.values())
    found = list(contract.foreign_tables(texts, tables))
    assert not found, told(found)


def test_a_migration_does_nothing_that_a_worker_beside_it_would_not_survive() -> None:
    texts = {path.stem: path.read_text() for path in sorted(MIGRATIONS.glob("*.sql"))}
    assert all(migrations.statements(text) for text in texts.values())
    code = "".join(source.text for source in OURS)
    code += "".join(path.read_text() for path in MIGRATIONS.parent.glob("*.sql"))
    assert "journal_in_v1" in code
    found = [problem for name, text in texts.items() for problem in migrations.violations(name, text, code)]
    assert not [*found, *migrations.unused(texts)], told(found)
