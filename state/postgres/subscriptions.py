"""Rows of mirrored subscriptions, those that are over included, saved as a set."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Final

from pydantic import TypeAdapter

from handlers.subscription import SUBSCRIPTIONS, Subscription, Subscriptions
from state.postgres.connection import Connection, Row
from state.postgres.payment_methods import seen_columns, seen_of
from state.postgres.queries import queries
from state.postgres.store import Store, expect_all
from topics.payment_methods import CollectionMethod
from topics.subscriptions import SubscriptionItem, SubscriptionStatus

SQL: Final = queries("subscriptions")
_ITEMS: Final = TypeAdapter(tuple[SubscriptionItem, ...])


async def load(connection: Connection, ids: Sequence[str]) -> dict[str, Subscriptions]:
    """The subscriptions of the given accounts, where there are any."""
    found: defaultdict[str, dict[str, Subscription]] = defaultdict(dict)
    for row in await connection.fetch(SQL.load, ids):
        found[row["account_id"]][row["id"]] = _subscription(row)
    return {account_id: Subscriptions(subscriptions) for account_id, subscriptions in found.items()}


async def save(connection: Connection, changed: Mapping[str, Subscriptions]) -> None:
    """Write what was touched. Raises `LostUpdateError` when a newer version is there already."""
    rows = [
        _row(account_id, subscriptions.subscriptions[subscription_id])
        for account_id, subscriptions in changed.items()
        for subscription_id in sorted(subscriptions.touched)
    ]
    expect_all("subscriptions", len(rows), await connection.execute(SQL.save, rows))


def _subscription(row: Row) -> Subscription:
    return Subscription(
        id=row["id"],
        customer_id=row["customer_id"],
        status=SubscriptionStatus(row["status"]),
        collection_method=CollectionMethod(row["collection_method"]),
        version=row["version"],
        edited_on=row["edited_on"],
        days_until_due=row["days_until_due"],
        default_payment_method=row["default_payment_method"],
        cancel_at_period_end=row["cancel_at_period_end"],
        items=_ITEMS.validate_json(row["items"]),
        ended_at=row["ended_at"],
        seen=seen_of(row),
        metered_until=row["metered_until"],
    )


def _row(account_id: str, subscription: Subscription) -> tuple[Any, ...]:
    return (
        account_id,
        subscription.id,
        subscription.customer_id,
        subscription.status.value,
        subscription.collection_method.value,
        subscription.days_until_due,
        subscription.default_payment_method,
        subscription.cancel_at_period_end,
        _ITEMS.dump_json(subscription.items).decode(),
        subscription.ended_at,
        *seen_columns(subscription.seen),
        subscription.version,
        subscription.edited_on,
        subscription.metered_until,
    )


STORE: Final = Store(SUBSCRIPTIONS, load, save)
