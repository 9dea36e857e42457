"""The parameters of an endpoint, read before it runs: names, types, lengths, choices; refused as by Stripe.

A schema maps a name to a rule; a rule takes the raw value and the parameter's full name (`address[city]`) and
returns the typed value or raises ApiError (400). An empty string unsets: it reads as None or an empty list.
"""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from sandbox.stripe.errors import ApiError, invalid, missing_parameter, unknown_parameters
from sandbox.stripe.forms import Form, Value

Rule: TypeAlias = Callable[[Value, str], Any]
Schema: TypeAlias = Mapping[str, Rule]

LONGEST = 5000
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")


def read(schema: Schema, form: Form, *, required: tuple[str, ...] = (), within: str = "") -> dict[str, Any]:
    """The typed parameters of a form; `within` is the name of the table it is part of."""
    unknown = [_named(name, within) for name in form if name not in schema]
    if unknown:
        raise unknown_parameters(unknown)
    for name in required:
        if form.get(name, "") == "":
            raise missing_parameter(_named(name, within))
    return {name: schema[name](value, _named(name, within)) for name, value in form.items()}


def text(longest: int = LONGEST) -> Rule:
    """A string of at most `longest` characters; empty is None."""

    def rule(value: Value, param: str) -> str | None:
        if not isinstance(value, str):
            raise invalid(f"Invalid string: {_shown(value)}", param=param)
        if len(value) > longest:
            short = f"{value[:4]}...{value[-4:]}"
            raise invalid(f"Invalid string: {short}; must be at most {longest} characters", param=param)
        return value or None

    return rule


def email(value: Value, param: str) -> str | None:
    """An address with one @, at most 512 characters."""
    address: str | None = text(512)(value, param)
    if address is not None and not _EMAIL.fullmatch(address):
        raise invalid(f"Invalid email address: {address}", param=param, code="email_invalid")
    return address


def integer(value: Value, param: str) -> int:
    """A whole number."""
    if not isinstance(value, str) or not re.fullmatch(r"-?\d{1,18}", value):
        raise invalid(f"Invalid integer: {_shown(value)}", param=param, code="parameter_invalid_integer")
    return int(value)


def boolean(value: Value, param: str) -> bool:
    """`true` or `false`."""
    if value not in ("true", "false"):
        raise invalid(f"Invalid boolean: {_shown(value)}", param=param)
    return value == "true"


def choice(*allowed: str) -> Rule:
    """One of the words of an enumeration; empty is None."""

    def rule(value: Value, param: str) -> str | None:
        if value == "":
            return None
        if value not in allowed:
            listed = ", ".join(allowed[:-1]) + f", or {allowed[-1]}"
            raise invalid(f"Invalid {param}: must be one of {listed}", param=param)
        return str(value)

    return rule


def table(schema: Schema, *, required: tuple[str, ...] = ()) -> Rule:
    """A nested table; empty is None."""

    def rule(value: Value, param: str) -> dict[str, Any] | None:
        if value == "":
            return None
        if not isinstance(value, dict):
            raise invalid(f"Invalid object: {_shown(value)}", param=param)
        return read(schema, value, required=required, within=param)

    return rule


def array(item: Rule) -> Rule:
    """A list; empty is the empty list."""

    def rule(value: Value, param: str) -> list[Any]:
        if value == "":
            return []
        if not isinstance(value, dict) or list(value) != [str(n) for n in range(len(value))]:
            raise invalid(f"Invalid array: {_shown(value)}", param=param)
        return [item(one, f"{param}[{place}]") for place, one in value.items()]

    return rule


def one_or_range(value: Value, param: str) -> dict[str, int]:
    """A filter on a number: the number itself, or any of gt, gte, lt, lte."""
    if isinstance(value, str):
        exact = integer(value, param)
        return {"gte": exact, "lte": exact}
    return read(dict.fromkeys(("gt", "gte", "lt", "lte"), integer), value, within=param)


def not_modelled(value: Value, param: str) -> ApiError:
    """A parameter Stripe has and this double does not act on: refused, so that no test believes it worked."""
    raise invalid(f"This double of Stripe does not model the parameter: {param}", param=param)


def _named(name: str, within: str) -> str:
    return f"{within}[{name}]" if within else name


def _shown(value: Value) -> str:
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
