"""Who may begin a transaction, and so decide when something holds: few places, each with its reason."""

import ast
import re
from collections.abc import Iterator

from tests.house.sources import Source

ALLOWED = {
    "consumers/batch.py": "the one transaction of a batch",
    "consumers/effect_run.py": "an effect is closed together with its result",
    "consumers/performers/stripe_reservation.py": "a reservation is checked and made at once",
    "consumers/stripe_owed.py": "the reconciler owes a batch of syncs at once",
    "consumers/sweeps/reading.py": "a reading is owed and noted at once, or it would be owed again",
    "consumers/webhooks.py": "what a batch of webhooks has to wait for, or owes, is on record at once",
    "state/postgres/effects.py": "claims follow one another under one lock",
}
"""Reading in one snapshot (`readonly=True`) decides nothing and is free for all."""
_STATEMENT = re.compile(r"^\s*(?:BEGIN|START TRANSACTION|COMMIT|ROLLBACK|SAVEPOINT)\b", re.IGNORECASE)


def violations(source: Source) -> Iterator[str]:
    """Transactions that begin or end in a place that is not among the allowed ones."""
    if source.path in ALLOWED:
        return
    for node in writing(source):
        yield source.at(
            node, "begins or ends a transaction: what holds together is decided in few places (house rule)."
        )


def writing(source: Source) -> Iterator[ast.AST]:
    """Where a module begins or ends a transaction that may write."""
    for node in ast.walk(source.tree):
        match node:
            case ast.Call(func=ast.Attribute(attr="transaction"), keywords=options) if not _read_only(
                options
            ):
                yield node
            case ast.Call(func=ast.Attribute(attr="commit" | "rollback"), args=[]):
                yield node
            case ast.Constant(value=str() as text) if _STATEMENT.match(text) and text.isupper():
                yield node


def _read_only(options: list[ast.keyword]) -> bool:
    return any(
        option.arg == "readonly" and isinstance(option.value, ast.Constant) and option.value.value is True
        for option in options
    )
