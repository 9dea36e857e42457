"""What a contract migration may do: take away what nothing in the code names, and make sure of what is there."""

import re
from collections.abc import Iterator, Sequence
from typing import Final

DROP: Final = re.compile(r"DROP (?:TYPE|TABLE|VIEW|INDEX(?: CONCURRENTLY)?|SEQUENCE) (\w+(?:, ?\w+)*)", re.I)
"""Neither CASCADE, which takes more than is named, nor IF EXISTS, which has a name that nothing has pass."""
ALTER: Final = re.compile(r"ALTER TABLE \w+ (.*)", re.I)
DROP_COLUMN: Final = re.compile(r"DROP COLUMN (\w+)", re.I)
STRICTER: Final = re.compile(r"ALTER (?:COLUMN )?\w+ SET NOT NULL|DROP CONSTRAINT \w+", re.I)
FILLED_IN: Final = re.compile(r"UPDATE \w+ ", re.I)


def violations(statements: Sequence[str], code: str) -> Iterator[str]:
    """Statements of another kind, and names that the code still has."""
    for statement in statements:
        names = _dropped(statement)
        if names is None:
            yield f"`{statement[:60]}`: no statement of a contract step (docs/adding-a-capability.md, Tables)."
        for name in names or ():
            if re.search(rf"\b{name}\b", code):
                yield f"drops `{name}`, which the code still names."


def _dropped(statement: str) -> list[str] | None:
    """The names that it takes away, None when it is none of the statements that are known."""
    if found := DROP.fullmatch(statement):
        return re.split(r", ?", found[1])
    if FILLED_IN.match(statement):
        return []
    if altered := ALTER.fullmatch(statement):
        actions = altered[1].split(", ")
        columns = [found[1] for one in actions if (found := DROP_COLUMN.fullmatch(one))]
        rest = [one for one in actions if not DROP_COLUMN.fullmatch(one)]
        return columns if all(STRICTER.fullmatch(one) for one in rest) else None
    return None
