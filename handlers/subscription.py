"""A subscription as it is mirrored from Stripe, and which of them somebody pays for."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType
from typing import Final

from handlers.account import Account, Part
from handlers.ordering import Seen
from topics.payment_methods import CollectionMethod
from topics.subscriptions import SubscriptionItem, SubscriptionStatus
from topics.value import value

FINAL: Final = frozenset({SubscriptionStatus.CANCELED, SubscriptionStatus.INCOMPLETE_EXPIRED})
RANK: Final[Mapping[SubscriptionStatus, int]] = MappingProxyType(
    {status: rank for rank, status in enumerate(SubscriptionStatus)}
)
"""For events of one second: the order of a subscription's life (topics/subscriptions.py)."""


@value
class Subscription:
    """One subscription. One that is over stays, so that a late event can't bring it back.

    `metered_until` is when it was first seen without a metered item after it had one: usage up to then may still
    be charged.
    """

    id: str
    customer_id: str
    status: SubscriptionStatus
    collection_method: CollectionMethod
    version: int
    edited_on: datetime
    days_until_due: int | None = None
    default_payment_method: str | None = None
    cancel_at_period_end: bool = False
    items: tuple[SubscriptionItem, ...] = ()
    ended_at: datetime | None = None
    seen: Seen | None = None
    metered_until: datetime | None = None

    @property
    def metered(self) -> bool:
        """Whether what is used of it is charged afterwards."""
        return any(item.metered for item in self.items)

    @property
    def live(self) -> bool:
        """Whether it may still be charged for."""
        return self.status not in FINAL

    @property
    def starting(self) -> bool:
        """Whether its first payment is under way: Stripe changes nothing of it until that is made or given up."""
        return self.status is SubscriptionStatus.INCOMPLETE

    @property
    def elsewhere(self) -> bool:
        """Whether it ended here only because another customer of Stripe's has it: without an end at Stripe."""
        return not self.live and self.ended_at is None and self.seen is not None and not self.seen.final

    @property
    def paid(self) -> bool:
        """Whether somebody has to pay for it: live, and not all of its items are free."""
        return self.live and any(item.metered or item.unit_amount != 0 for item in self.items)


@value
class Subscriptions:
    """An account's subscriptions by Stripe's id. `touched` are those that changed since they were loaded."""

    subscriptions: Mapping[str, Subscription]
    touched: frozenset[str] = frozenset()

    def put(self, subscription: Subscription) -> "Subscriptions":
        """With this one in the place of its former self."""
        return Subscriptions(
            {**self.subscriptions, subscription.id: subscription}, self.touched | {subscription.id}
        )


def elsewhere(subscription: Subscription, now: datetime) -> Subscription:
    """One that another customer has is over for the account, until that customer is the account's again."""
    after: Subscription = replace(
        subscription, status=SubscriptionStatus.CANCELED, version=subscription.version + 1, edited_on=now
    )
    return after


SUBSCRIPTIONS: Final[Part[Subscriptions]] = Part("subscriptions")
NO_SUBSCRIPTIONS: Final = Subscriptions(MappingProxyType({}))


def subscriptions_of(account: Account) -> Subscriptions:
    """The account's subscriptions, none when it never had one."""
    return account.get(SUBSCRIPTIONS) or NO_SUBSCRIPTIONS
