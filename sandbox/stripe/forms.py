"""Stripe's form encoding, read: `a[b]=c`, `a[0]=b` and `a[]=b` become nested tables of strings."""

from typing import TypeAlias
from urllib.parse import parse_qsl

from sandbox.stripe.errors import invalid

Value: TypeAlias = "str | dict[str, Value]"
Form: TypeAlias = dict[str, Value]


def decode(encoded: str) -> Form:
    """The nested form of a query string or body.

    Arrays are tables with the keys "0", "1", ... as Stripe itself shows them in its errors. The last of two
    values for one name wins. Raises ApiError (400) on text that is not UTF-8.
    """
    try:
        pairs = parse_qsl(encoded, keep_blank_values=True, errors="strict")
    except (UnicodeDecodeError, ValueError):
        raise invalid("Invalid request: the parameters are not valid UTF-8.") from None
    form: Form = {}
    for name, value in pairs:
        if "[" in name:
            _put(form, _steps(name), value)
        else:
            form[name] = value
    return form


def _steps(name: str) -> list[str]:
    """`a[b][c]` -> a, b, c. A key with brackets inside, as in `metadata[x[y]]`, stays one: refused later."""
    root, _, rest = name.partition("[")
    if not rest.endswith("]"):
        return [name]
    inner = rest[:-1]
    parts = inner.split("][")
    if any("[" in part or "]" in part for part in parts):
        return [root, inner]
    return [root, *parts]


def _put(form: Form, steps: list[str], value: str) -> None:
    table = form
    for step in steps[:-1]:
        below = table.get(step)
        if not isinstance(below, dict):
            below = table[step] = {}
        table = below
    table[steps[-1] or str(len(table))] = value
