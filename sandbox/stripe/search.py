"""Search over objects, as of a moment in the past: Stripe's search lags behind its lists.

The part of the query language that is modelled: `metadata['key']:'value'`, and `email`, `name` and `phone`
with `:` and a quoted value, joined by AND or a space, at most ten. Values match whole and without regard to
case. A match is made on what search knew, the answer shows the object as it is now (docs.stripe.com/search).
"""

import re
from typing import Any, TypeAlias

from sandbox.stripe.errors import invalid
from sandbox.stripe.store import Store

Terms: TypeAlias = dict[str, str]
LONGEST_LAG = 3600.0
MOST_CLAUSES = 10
FIELDS = ("email", "name", "phone")
_QUOTED = r"""(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)")"""
_CLAUSE = re.compile(rf"([a-z_]+)(?:\[{_QUOTED}\])?:{_QUOTED}(?:\s+(?:AND\s+)?|$)", re.IGNORECASE)


def terms(body: dict[str, Any]) -> Terms:
    """What can be searched of an object: field name to folded value."""
    found = {name: str(body[name]).casefold() for name in FIELDS if body.get(name)}
    found.update({f"metadata.{key}": value.casefold() for key, value in (body.get("metadata") or {}).items()})
    return found


def note(store: Store, id_: str, old: Terms, new: Terms, at: float) -> None:
    """Writes down which terms an object lost and gained at that moment."""
    lost = [(at, id_, field, value) for field, value in old.items() if new.get(field) != value]
    gained = [(id_, field, value, at) for field, value in new.items() if old.get(field) != value]
    if lost:
        sql = "UPDATE search_terms SET until = ? WHERE id = ? AND field = ? AND value = ? AND until IS NULL"
        store.executemany(sql, lost)
        store.execute("DELETE FROM search_terms WHERE id = ? AND until < ?", (id_, at - LONGEST_LAG))
    store.executemany(
        "INSERT OR REPLACE INTO search_terms (id, field, value, since) VALUES (?, ?, ?, ?)", gained
    )


def parse(query: str, *, resource: str) -> list[tuple[str, str]]:
    """The clauses of a query as (field, folded value). Raises ApiError (400)."""
    clauses: list[tuple[str, str]] = []
    place = 0
    while place < len(query.strip()):
        match = _CLAUSE.match(query.strip(), place)
        if not match or len(clauses) == MOST_CLAUSES:
            raise _unreadable()
        field, key1, key2, value1, value2 = match.groups()
        clauses.append((_field(field, key1 or key2, resource), _plain(value1 or value2 or "")))
        place = match.end()
    if not clauses:
        raise _unreadable()
    return clauses


def matching(clauses: list[tuple[str, str]], moment: float) -> tuple[str, list[Any]]:
    """The SQL condition on `id`, with its parameters, for objects that matched at that moment."""
    one = (
        "id IN (SELECT id FROM search_terms WHERE field = ? AND value = ? AND since <= ? "
        "AND (until IS NULL OR until > ?))"
    )
    parameters = [part for field, value in clauses for part in (field, value, moment, moment)]
    return " AND ".join([one] * len(clauses)), parameters


def _field(name: str, key: str | None, resource: str) -> str:
    if name == "metadata" and key is not None:
        return f"metadata.{key}"
    if name in FIELDS and key is None:
        return name
    raise invalid(f"Field `{name}` is an unsupported search field for resource `{resource}`.")


def _plain(value: str) -> str:
    return re.sub(r"\\(.)", r"\1", value).casefold()


def _unreadable() -> Exception:
    return invalid(
        'We were unable to parse your search query. Try using the format `metadata["key"]:"value"` to query '
        'for metadata or key:"value" to query for other fields.'
    )
