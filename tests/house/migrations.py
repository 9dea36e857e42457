"""What a migration may do: an expand step nothing that a worker of the release before would not survive."""

import re
from collections.abc import Iterator
from typing import Final

from tests.house import contracting

APPLY: Final = "-- migrate: apply"
ROLLBACK: Final = "-- migrate: rollback"
NAME: Final = re.compile(r"\d{8}_\d{2}_(expand|contract)_[a-z_]+")

SAFE: Final = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        *(r"CREATE TABLE (?!IF\b)", r"CREATE TYPE ", r"CREATE FUNCTION ", r"CREATE SEQUENCE "),
        *(r"CREATE INDEX ", r"CREATE VIEW ", r"ALTER SEQUENCE \w+ OWNED BY "),
        r"ALTER TABLE \w+ ALTER (COLUMN )?\w+ SET DEFAULT ",
    )
)
"""Statements that add what former workers do not name, or fill in what they leave out."""
ADDED: Final = re.compile(r"ADD COLUMN (?:IF NOT EXISTS )?(\w+) (.*)", re.IGNORECASE | re.DOTALL)
ON_TABLE: Final = re.compile(r"CREATE UNIQUE INDEX (?:CONCURRENTLY )?\w+ ON (\w+)", re.IGNORECASE)

ALLOWED: Final = {
    (
        "20261124_01_expand_continuing_operations",
        "DO",
    ): "the check of outcomes goes in the transaction in which a wider one comes",
    (
        "20261124_01_expand_continuing_operations",
        "ALTER TABLE journal ADD CONSTRAINT",
    ): "the check is wider than the one before: all that a former worker writes passes",
    (
        "20261129_03_expand_urgency_of_effects",
        "DROP INDEX effects_due",
    ): "former workers claim the same without it, by sorting what is open",
}
"""Statements that are none of the safe ones and do no harm, by the migration and how they begin, with the reason."""


def violations(name: str, text: str, code: str = "") -> Iterator[str]:
    """What a migration does that would stop, or lead astray, workers: an expand step those of the release before, a
    contract step those of now, who say what `code` says."""
    where = f"state/postgres/migrations/{name}.sql:1"
    kind = NAME.fullmatch(name)
    if kind is None:
        yield f"{where}: is named neither `..._expand_...` nor `..._contract_...`."
        return
    applied = statements(text)
    if kind[1] == "contract":
        yield from (f"{where}: {found}" for found in contracting.violations(applied, code))
        return
    if "_contract_" in text.partition(APPLY)[0]:
        yield f"{where}: depends on a contract step, which may never run."
    new = {
        found[1].lower() for one in applied if (found := re.match(r"CREATE TABLE (\w+)", one, re.IGNORECASE))
    }
    for statement in applied:
        if (reason := _harm(statement, new)) and not _allowed(name, statement):
            yield f"{where}: `{statement[:60]}`: {reason} (docs/adding-a-capability.md, Tables)."


def unused(texts: dict[str, str]) -> Iterator[str]:
    """Allowances that nothing needs."""
    for name, beginning in ALLOWED:
        if not any(
            one.startswith(beginning) and _harm(one, set()) for one in statements(texts.get(name, ""))
        ):
            yield f"tests/house/migrations.py:1: `{beginning}` of {name} needs no allowance."


def statements(text: str) -> list[str]:
    """What a migration applies, statement by statement, without comments and on one line each."""
    applied = text.partition(APPLY)[2].partition(ROLLBACK)[0]
    bare = re.sub(r"--[^\n]*", "", applied)
    pieces = re.findall(r"(?:\$\$.*?\$\$|'(?:[^']|'')*'|[^;'$]|\$(?!\$))+", bare, re.DOTALL)
    return [" ".join(piece.split()) for piece in pieces if piece.strip()]


def _harm(statement: str, new: set[str]) -> str | None:
    if unique := ON_TABLE.match(statement):
        there = unique[1].lower() not in new
        return "a former worker may write what the index now forbids" if there else None
    if any(pattern.match(statement) for pattern in SAFE):
        return None
    table = re.match(r"ALTER TABLE (\w+) (.*)", statement, re.IGNORECASE | re.DOTALL)
    if table is None:
        return "is not known to leave former workers alone"
    if table[1].lower() in new:
        return None
    return next((harm for action in _actions(table[2]) if (harm := _harm_of(action))), None)


def _actions(text: str) -> list[str]:
    """The actions of an ALTER TABLE; commas within brackets or quotes part none."""
    return [
        found.strip() for found in re.findall(r"(?:\([^()]*(?:\([^()]*\)[^()]*)*\)|'[^']*'|[^,('])+", text)
    ]


def _harm_of(action: str) -> str | None:
    added = ADDED.fullmatch(action)
    if added is None:
        return "changes or takes what a former worker uses"
    rest = added[2].upper()
    if "NOT NULL" in rest and "DEFAULT" not in rest:
        return f"a former worker leaves `{added[1]}` out, and it must not be null"
    if re.search(r"\b(UNIQUE|PRIMARY KEY|CHECK|REFERENCES|GENERATED)\b", rest):
        return f"`{added[1]}` comes with a condition that a former worker does not know"
    return None


def _allowed(name: str, statement: str) -> bool:
    return any(file == name and statement.startswith(beginning) for file, beginning in ALLOWED)
