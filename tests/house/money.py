"""Money is an integer of minor units with its currency, never a float (DESIGN.md 4, law 11)."""

import ast
import re
from collections.abc import Iterator

from tests.house.sources import Source

_WORDS = re.compile(
    r"(?:^|_)(?:amount|amounts|balance|balances|price|prices|total|totals|fee|fees|owed|credit|debit|cents)(?:_|$)"
)
_NOT_MONEY = re.compile(r"_(?:seconds|count|share|ratio|bytes)(?:_|$)")
WHY = "money is an integer of minor units with its currency, as a float can't hold a cent exactly"


def violations(source: Source) -> Iterator[str]:
    """Names that speak of money and are annotated as floats."""
    for node in ast.walk(source.tree):
        match node:
            case ast.AnnAssign(target=ast.Name(id=name) | ast.Attribute(attr=name), annotation=kind):
                found = name, kind
            case ast.arg(arg=name, annotation=ast.expr() as kind):
                found = name, kind
            case ast.FunctionDef(name=name, returns=ast.expr() as kind):
                found = name, kind
            case ast.AsyncFunctionDef(name=name, returns=ast.expr() as kind):
                found = name, kind
            case _:
                continue
        if speaks_of_money(found[0]) and _is_float(found[1]):
            yield source.at(node, f"`{found[0]}` is a float: {WHY}.")


def speaks_of_money(name: str) -> bool:
    """Whether a name is one that amounts of money go by."""
    return bool(_WORDS.search(name.lower())) and not _NOT_MONEY.search(name.lower())


def _is_float(annotation: ast.expr) -> bool:
    quoted = [node.value for node in ast.walk(annotation) if isinstance(node, ast.Constant)]
    named = [node.id for node in ast.walk(annotation) if isinstance(node, ast.Name)]
    return "float" in named or any(isinstance(text, str) and re.search(r"\bfloat\b", text) for text in quoted)
