"""Payment method rows, tombstones included, saved as a set."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Any, Final

import orjson

from handlers.card_expiry import valid_until
from handlers.ordering import Seen
from handlers.payment_method import PAYMENT_METHODS, PaymentMethod, PaymentMethods
from state.postgres.connection import Connection, Row
from state.postgres.queries import queries
from state.postgres.store import Store, expect_all
from topics.payment_methods import MethodDetails, MethodState

SQL: Final = queries("payment_methods")
Shown = tuple[MethodDetails | None, Mapping[str, str | None]]
"""What a processor shows of a method, None without one, and what the customer says of it."""


async def load(connection: Connection, ids: Sequence[str]) -> dict[str, PaymentMethods]:
    """The methods of the given accounts, where there are any."""
    found: defaultdict[str, dict[str, PaymentMethod]] = defaultdict(dict)
    for row in await connection.fetch(SQL.load, ids):
        found[row["account_id"]][row["id"]] = _method(row)
    return {account_id: PaymentMethods(methods) for account_id, methods in found.items()}


async def save(connection: Connection, changed: Mapping[str, PaymentMethods]) -> None:
    """Write what was touched. Raises `LostUpdateError` when a newer version is there already."""
    rows = [
        _row(account_id, methods.methods[method_id])
        for account_id, methods in changed.items()
        for method_id in sorted(methods.touched)
    ]
    expect_all("payment_methods", len(rows), await connection.execute(SQL.save, rows))


async def expiring(connection: Connection, before: date, *, after: str, limit: int) -> list[str]:
    """A page of accounts with active cards that end before a day, in id order behind `after`."""
    return [row["account_id"] for row in await connection.fetch(SQL.expiring, before, after, limit)]


async def paid_by_others(connection: Connection, tokens: Collection[str], account_id: str) -> bool:
    """Whether another account pays with one of these tokens of Braintree's vault."""
    return await connection.fetchval(SQL.others, list(tokens), account_id) is not None


def shown_of(row: Row) -> Shown:
    """The same from a row that came by a join and may hold nulls."""
    if row["details"] is None:
        return None, {}
    return MethodDetails.model_validate_json(row["details"]), orjson.loads(row["billing"])


def _method(row: Row) -> PaymentMethod:
    return PaymentMethod(
        id=row["id"],
        details=MethodDetails.model_validate_json(row["details"]),
        state=MethodState(row["state"]),
        version=row["version"],
        created_on=row["created_on"],
        edited_on=row["edited_on"],
        default=row["is_default"],
        chosen_on=row["chosen_on"],
        billing=orjson.loads(row["billing"]),
        setup_intent=row["setup_intent"],
        deadline=row["deadline"],
        reason=row["reason"],
        released=row["released"],
        warned=row["warned"],
        seen=seen_of(row),
    )


def seen_of(row: Row) -> Seen | None:
    """The observation that a row comes from, None when nothing was observed yet."""
    if row["seen_at"] is None:
        return None
    return Seen(row["seen_at"], row["seen_event"], row["seen_rank"], row["seen_final"])


def seen_columns(seen: Seen | None) -> tuple[Any, ...]:
    """The same as columns."""
    return (seen.at, seen.event_id, seen.rank, seen.final) if seen else (None, None, 0, False)


def _row(account_id: str, method: PaymentMethod) -> tuple[Any, ...]:
    until = valid_until(method.details)
    return (
        account_id,
        method.id,
        method.details.processor.value,
        method.details.reference,
        method.details.model_dump_json(exclude_none=True),
        method.state.value,
        method.default,
        method.chosen_on,
        orjson.dumps(dict(method.billing)).decode(),
        method.setup_intent,
        method.deadline,
        method.reason,
        method.released,
        method.warned,
        until.date() if until else None,
        *seen_columns(method.seen),
        method.version,
        method.created_on,
        method.edited_on,
    )


STORE: Final = Store(PAYMENT_METHODS, load, save)
