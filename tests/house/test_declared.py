"""What our code imports is named in pyproject.toml: what another package brings along may go with its next release."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator, Mapping
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any, Final

import pytest

ROOT: Final = Path(__file__).parents[2]
OURS: Final = frozenset(path.name for path in ROOT.iterdir() if path.is_dir()) | {"scripts"}
FOR_TESTS: Final = frozenset({"tests", "bench", "scripts"})
"""These rooms may use what only a contributor installs; the sandbox has an extra of its own."""


def imported(path: Path) -> Iterator[str]:
    """The top-level names that a file imports, of neither Python nor us."""
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [node.module]
        else:
            continue
        tops = {name.partition(".")[0] for name in names}
        yield from tops - OURS - sys.stdlib_module_names


def normal(name: str) -> str:
    """A distribution's name in its normal spelling."""
    return re.sub(r"[-_.]+", "-", name).lower()


def declared() -> dict[str, set[str]]:
    """What is named for everyone, and by extra."""
    project: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lists = {"": project["dependencies"], **project["optional-dependencies"]}
    return {
        extra: {normal(re.split(r"[\[<>=~! ]", one)[0]) for one in found} for extra, found in lists.items()
    }


@pytest.fixture(scope="module")
def brought() -> Mapping[str, list[str]]:
    """The distributions that a top-level name comes from; looking at all that is installed takes a while."""
    return packages_distributions()


@pytest.mark.parametrize(
    "room", sorted(path.name for path in ROOT.iterdir() if (path / "__init__.py").exists())
)
def test_every_package_that_is_imported_is_declared(room: str, brought: Mapping[str, list[str]]) -> None:
    extras = declared()
    allowed = extras[""] | (extras["sandbox"] if room in {"sandbox", *FOR_TESTS} else set())
    allowed |= extras["dev"] if room in FOR_TESTS else set()
    missing = {
        f"{path.relative_to(ROOT)}: {name}"
        for path in (ROOT / room).rglob("*.py")
        for name in imported(path)
        if not {normal(dist) for dist in brought.get(name, [name])} & allowed
    }
    assert missing == set()
