"""The gateway's advanced search: first the ids of all that match, newest first, then their pages by id.

Source: the SDK's search.py and resource_collection.py. What is searched for is an object's own field, or one that
a function finds in it; a word of search that is not known here is refused, never ignored.
"""

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from sandbox.braintree import errors
from sandbox.braintree.store import Body
from sandbox.braintree.xml import PAGE_SIZE

Fields = Mapping[str, Callable[[Body], Any]]
"""What can be searched for: by its name, a value or a list of values, of which one must match."""
_TEXT: dict[str, Callable[[str, str], bool]] = {
    "is": lambda value, wanted: value == wanted,
    "is_not": lambda value, wanted: value != wanted,
    "starts_with": lambda value, wanted: value.startswith(wanted),
    "ends_with": lambda value, wanted: value.endswith(wanted),
    "contains": lambda value, wanted: wanted in value,
    "min": lambda value, wanted: _ordered(value) >= _ordered(wanted),
    "max": lambda value, wanted: _ordered(value) <= _ordered(wanted),
}


def ids(found: Iterable[Body], criteria: Body, fields: Fields, *, most: int) -> Body:
    """The first answer: the ids of what matches, at most so many, and how many to ask for at once."""
    _check(criteria, fields)
    matching = [one["id"] for one in found if matches(one, criteria, fields)]
    return {"page_size": PAGE_SIZE, "ids": matching[:most]}


def page(found: Iterable[Body], criteria: Body, fields: Fields) -> list[Body]:
    """The second answer: what is still so among the ids asked for. Raises Refusal."""
    _check(criteria, fields)
    return [one for one in found if matches(one, criteria, fields)][:PAGE_SIZE]


def wanted_ids(criteria: Body) -> list[str]:
    """The ids that a page is asked for."""
    return [str(one) for one in criteria.get("ids") or []]


def exactly(criteria: Body, name: str) -> str | None:
    """The one value of a field that is searched for, so that an index can find it."""
    wanted = criteria.get(name)
    return wanted.get("is") if isinstance(wanted, dict) and set(wanted) == {"is"} else None


def matches(one: Body, criteria: Body, fields: Fields) -> bool:
    """Whether everything that is searched for is so."""
    return all(_matches(_values(fields[name](one)), wanted) for name, wanted in criteria.items())


def _matches(values: list[str], wanted: Any) -> bool:
    if not isinstance(wanted, dict):
        return bool(set(values) & set(_values(wanted)))
    return any(all(_TEXT[how](value, str(what)) for how, what in wanted.items()) for value in values)


def _values(found: Any) -> list[str]:
    listed = found if isinstance(found, list) else [found]
    return ["" if one is None else str(one).lower() if isinstance(one, bool) else str(one) for one in listed]


def _check(criteria: Body, fields: Fields) -> None:
    for name, wanted in criteria.items():
        unknown = name not in fields or (isinstance(wanted, dict) and set(wanted) - set(_TEXT))
        if unknown:
            raise errors.Refusal(422, f"nobody can search for {name} in this way")


def _ordered(value: str) -> tuple[Decimal, str]:
    """Amounts by what they are worth, times by how they are written."""
    try:
        return Decimal(value), ""
    except InvalidOperation:
        return Decimal(0), value
