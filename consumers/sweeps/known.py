"""What our store says of some accounts at one moment, and which of them are being worked on."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from consumers.performing import Store
from handlers.accounts import AccountRecord
from handlers.payment_method import NO_METHODS, PaymentMethods, at
from handlers.paypal_migration import NO_MIGRATIONS, Migrations
from handlers.profiles import Profile
from handlers.stripe_customers import StripeCustomer
from handlers.stripe_projection import Projection, project
from handlers.subscription import NO_SUBSCRIPTIONS, Subscriptions
from state.postgres import (
    accounts,
    effects,
    payment_methods,
    paypal_migrations,
    profiles,
    stripe_customers,
    subscriptions,
)
from state.postgres.connection import Connection, Row
from topics.payment_methods import Processor

STUCK_AFTER: Final = timedelta(minutes=15)
"""Work that is owed for so long is no longer on its way."""

_PROCESSORS: Final = frozenset(one.value for one in Processor)


@dataclass(frozen=True, slots=True)
class Known:
    """One account. `busy` are the processors towards which something is on its way, so that a difference means
    nothing yet; `stuck` those towards which something failed or does not go through."""

    account_id: str
    record: AccountRecord
    profile: Profile | None
    methods: PaymentMethods
    subscriptions: Subscriptions
    customer: StripeCustomer
    shared: bool
    busy: frozenset[str]
    stuck: frozenset[str]
    moving: frozenset[str] = frozenset()
    """Tokens in Braintree's vault that a migration accounts for besides those of the methods."""

    @property
    def desired(self) -> Projection:
        """The customer that Stripe shall hold."""
        return project(self.account_id, self.record, self.profile, self.methods)

    @property
    def customer_id(self) -> str | None:
        """Its customer at Stripe."""
        return self.customer.customer_id

    @property
    def vaulted(self) -> bool:
        """Whether it has or had something in Braintree's vault."""
        return any(True for _ in at(self.methods, Processor.BRAINTREE))


async def known(store: Store, account_ids: Sequence[str], *, settle: timedelta) -> dict[str, Known]:
    """The accounts in one snapshot; one that was edited within `settle` is busy."""
    if not account_ids:
        return {}
    async with (
        store.acquire() as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        return await _known(connection, account_ids, datetime.now(UTC) - settle)


async def _known(connection: Connection, ids: Sequence[str], settled_before: datetime) -> dict[str, Known]:
    records = await accounts.load(connection, ids)
    held = await profiles.load(connection, ids)
    methods = await payment_methods.load(connection, ids)
    subscribed = await subscriptions.load(connection, ids)
    migrations = await paypal_migrations.load(connection, ids)
    links = await stripe_customers.load(connection, ids)
    holders = await stripe_customers.holders(
        connection, [link.customer_id for link in links.values() if link.customer_id]
    )
    owed = _by_account(await effects.open_of(connection, ids))
    found = {}
    for account_id, record in records.items():
        link = links.get(account_id) or StripeCustomer()
        parts = (
            held.get(account_id),
            methods.get(account_id) or NO_METHODS,
            subscribed.get(account_id) or NO_SUBSCRIPTIONS,
        )
        sharers = holders[link.customer_id].accounts if link.customer_id else ()
        busy, stuck = _under_way(owed.get(account_id, ()))
        if _edited_on(record, *parts) > settled_before:
            busy |= _PROCESSORS
        shared = link.merged or len(sharers) > 1
        found[account_id] = Known(
            account_id,
            record,
            *parts,
            link,
            shared,
            frozenset(busy),
            frozenset(stuck),
            _moving(migrations.get(account_id) or NO_MIGRATIONS),
        )
    return found


def _moving(migrations: Migrations) -> frozenset[str]:
    under_way = [one.references for one in migrations.rows.values() if not one.over]
    return frozenset[str]().union(*under_way)


def _by_account(rows: Iterable[Row]) -> Mapping[str, Sequence[Row]]:
    found: defaultdict[str, list[Row]] = defaultdict(list)
    for row in rows:
        found[row["account_id"]].append(row)
    return found


def _under_way(rows: Sequence[Row]) -> tuple[set[str], set[str]]:
    """What waits for a deadline, or moves at its own pace, keeps nobody from looking at a processor."""
    young = datetime.now(UTC) - STUCK_AFTER
    owed = [row for row in rows if row["target"] in _PROCESSORS]
    busy = {row["target"] for row in owed if row["state"] == "open" and row["created_at"] > young}
    return busy, {row["target"] for row in owed} - busy


def _edited_on(
    record: AccountRecord,
    profile: Profile | None,
    methods: PaymentMethods,
    subscriptions: Subscriptions,
) -> datetime:
    edits = [record.edited_on, *(one.edited_on for one in methods.methods.values())]
    edits += [one.edited_on for one in subscriptions.subscriptions.values()]
    return max([*edits, profile.edited_on] if profile else edits)
