"""The contract of the loop in `.importlinter`: what it allows is general, and who it binds is the whole loop."""

import configparser
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Final

import grimp

ROOMS = ("topics", "handlers", "state.postgres")
"""Rooms of which nothing is allowed that the contract does not name."""
ENTRANCES = ("consumers.lane", "consumers.loop", "consumers.relay")
"""What the fleet runs of the loop; all that these need of `consumers` belongs to it."""
EXCEPTIONS = frozenset({"accounts"})
"""Capabilities that the loop has to know, each for one of its modules only."""

TABLES: Final[Mapping[str, frozenset[str]]] = {
    "cursors": frozenset({"cursors"}),
    "effects": frozenset({"effects"}),
    "journal": frozenset({"journal"}),
    "outbox": frozenset({"outbox"}),
    "parking": frozenset({"parked_commands", "accounts"}),
}
"""The loop's own files of SQL, and the tables that each may name."""


def text_of(path: str) -> dict[str, list[str]]:
    """The options of the contract, each as its lines."""
    parser = configparser.ConfigParser()
    parser.read(path)
    return {name: written.split("\n")[1:] for name, written in parser["importlinter:contract:loop"].items()}


def open_rooms(contract: dict[str, list[str]]) -> Iterator[str]:
    """Rooms whose modules are not all forbidden: one written tomorrow would be free."""
    for room in ROOMS:
        if f"{room}.*" not in contract["forbidden_modules"]:
            yield f".importlinter:1: the loop may import a new module of `{room}`: forbid `{room}.*`."


def too_much(contract: dict[str, list[str]], capabilities: Collection[str]) -> Iterator[str]:
    """Modules of capabilities that the loop is allowed to know."""
    for allowed in contract["ignore_imports"]:
        importer, _, imported = allowed.partition(" -> ")
        name = imported.rpartition(".")[2]
        if name in capabilities and (name not in EXCEPTIONS or "*" in importer):
            yield f".importlinter:1: `{allowed}` is of a capability, which the loop knows nothing of."


def unbound(contract: dict[str, list[str]], graph: grimp.ImportGraph) -> Iterator[str]:
    """Modules that the loop needs and the contract does not bind."""
    needed = {module for entrance in ENTRANCES for module in graph.find_upstream_modules(entrance)}
    for module in sorted({*ENTRANCES, *needed} - set(contract["source_modules"])):
        yield f".importlinter:1: `{module}` is part of the loop and is not bound by its contract."


def foreign_tables(statements: Mapping[str, str], tables: Collection[str]) -> Iterator[str]:
    """Tables that the loop's statements name and that are not their own."""
    for name, own in TABLES.items():
        bare = re.sub(r"--[^\n]*|'[^']*'", "", statements[name])
        for table in sorted(set(re.findall(r"\w+", bare)) & (set(tables) - own)):
            yield f"state/postgres/{name}.sql:1: names `{table}`, of which the loop knows nothing."
