"""Messages about subscriptions, mirrored from Stripe as far as collecting for them needs (DOMAIN.md 4)."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from topics.message import Event, Fact
from topics.observation import Observation
from topics.payment_methods import CollectionMethod, Reference
from topics.stripe_customers import CustomerId

SubscriptionId = Annotated[str, Field(pattern=r"^sub_[A-Za-z0-9]{1,64}$")]
Text = Annotated[str, Field(max_length=255)]


class SubscriptionStatus(StrEnum):
    """Stripe's states. `incomplete_expired` and `canceled` are final."""

    INCOMPLETE = "incomplete"
    INCOMPLETE_EXPIRED = "incomplete_expired"
    TRIALING = "trialing"
    ACTIVE = "active"
    PAST_DUE = "past_due"
    UNPAID = "unpaid"
    PAUSED = "paused"
    CANCELED = "canceled"


class SubscriptionItem(BaseModel):
    """What is subscribed to. `unit_amount` in minor units of `currency`; None for tiered or metered prices.

    `registrar`: a domain that renews at the end of its period.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    id: Text
    price: Text
    product: Text | None = None
    quantity: int | None = None
    unit_amount: int | None = None
    currency: Annotated[str, Field(pattern=r"^[a-z]{3}$")] | None = None
    metered: bool = False
    registrar: bool = False
    period_start: AwareDatetime | None = None
    period_end: AwareDatetime | None = None


class SubscriptionObserved(Fact):
    """A subscription as Stripe shows it. `ended_at` is set once it is over."""

    type: ClassVar = "billing.subscriptions.observed.v1"
    subscription: SubscriptionId
    customer_id: CustomerId
    status: SubscriptionStatus
    collection_method: CollectionMethod
    days_until_due: Annotated[int, Field(ge=0, le=3650)] | None = None
    default_payment_method: Reference | None = None
    cancel_at_period_end: bool = False
    items: Annotated[tuple[SubscriptionItem, ...], Field(max_length=100)] = ()
    ended_at: AwareDatetime | None = None
    seen: Observation


class SubscriptionGone(Fact):
    """Stripe does not know the subscription (any more)."""

    type: ClassVar = "billing.subscriptions.gone.v1"
    subscription: SubscriptionId
    seen: Observation


class SubscriptionChanged(Event):
    """The mirror of a subscription is another one from now on."""

    type: ClassVar = "billing.subscriptions.changed.v1"
    subscription: SubscriptionId
    status: SubscriptionStatus
    collection_method: CollectionMethod
    version: int


MESSAGES = (SubscriptionObserved, SubscriptionGone, SubscriptionChanged)

_SUBSCRIPTION = "sub_1PzXq5LkdIwHu7ixG0OtYaMp"
_MOMENT = datetime(2026, 11, 24, 9, 30, 15, tzinfo=UTC)
_SEEN = Observation(at=_MOMENT, event_id="evt_1PzXq6LkdIwHu7ixR2d8zM4e")

EXAMPLES = (
    SubscriptionObserved(
        subscription=_SUBSCRIPTION,
        customer_id="cus_NffrFeUfNV2Hib",
        status=SubscriptionStatus.ACTIVE,
        collection_method=CollectionMethod.CHARGE_AUTOMATICALLY,
        items=(
            SubscriptionItem(
                id="si_QrTzV1wXyZaBcD",
                price="price_1PzXq4LkdIwHu7ixProPlan1",
                product="prod_QrTzProPlan0001",
                quantity=1,
                unit_amount=2000,
                currency="usd",
                period_start=datetime(2026, 11, 1, tzinfo=UTC),
                period_end=datetime(2026, 12, 1, tzinfo=UTC),
            ),
        ),
        seen=_SEEN,
    ),
    SubscriptionGone(subscription=_SUBSCRIPTION, seen=_SEEN),
    SubscriptionChanged(
        subscription=_SUBSCRIPTION,
        status=SubscriptionStatus.ACTIVE,
        collection_method=CollectionMethod.CHARGE_AUTOMATICALLY,
        version=1,
    ),
)
