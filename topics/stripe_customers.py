"""Messages about the account's Stripe customer: the link, requests to sync, and what Stripe showed."""

from datetime import UTC, datetime
from typing import Annotated, ClassVar, Final

from pydantic import AwareDatetime, Field

from topics.message import Command, Event, Fact

CUSTOMER_ID_PATTERN: Final = r"^cus_[A-Za-z0-9]{1,64}$"
CustomerId = Annotated[str, Field(pattern=CUSTOMER_ID_PATTERN)]
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class LinkStripeCustomer(Command):
    """Compare and set: link `customer_id` if the link now is `expected_customer_id` (none when null)."""

    type: ClassVar = "billing.stripe-customers.link.v1"
    customer_id: CustomerId
    expected_customer_id: CustomerId | None = None


class SyncStripeCustomer(Command):
    """Bring the Stripe customer up to date now, even if nothing seems to differ."""

    type: ClassVar = "billing.stripe-customers.sync.v1"


class StripeCustomerSynced(Fact):
    """Stripe holds the projection with this digest (handlers/stripe_projection.py).

    `created` says that the customer was made for this account, which had none.
    """

    type: ClassVar = "billing.stripe-customers.synced.v1"
    customer_id: CustomerId
    projection: Digest
    synced_at: AwareDatetime
    created: bool = False


class StripeCustomerSyncFailed(Fact):
    """Stripe refused the projection with this digest for good; `reason` is fit for support to read."""

    type: ClassVar = "billing.stripe-customers.sync-failed.v1"
    reason: Annotated[str, Field(min_length=1, max_length=500)]
    projection: Digest
    failed_at: AwareDatetime


class StripeCustomerShared(Fact):
    """How many accounts were linked to `customer_id` when our store was read at `as_of`."""

    type: ClassVar = "billing.stripe-customers.shared.v1"
    customer_id: CustomerId
    accounts: Annotated[int, Field(ge=1, le=2**31 - 1)]
    as_of: AwareDatetime


class StripeCustomerLinked(Event):
    """The account has this Stripe customer from now on; `before` was its link until then."""

    type: ClassVar = "billing.stripe-customers.linked.v1"
    customer_id: str
    before: str | None = None
    version: int


class StripeSyncRequested(Event):
    """Somebody asked for a sync, changed or not."""

    type: ClassVar = "billing.stripe-customers.sync-requested.v1"


class StripeCustomerMerged(Event):
    """Automation stops (or resumes) for this account: its Stripe customer is (no longer) shared."""

    type: ClassVar = "billing.stripe-customers.merged.v1"
    customer_id: str
    merged: bool
    version: int


MESSAGES = (
    LinkStripeCustomer,
    SyncStripeCustomer,
    StripeCustomerSynced,
    StripeCustomerSyncFailed,
    StripeCustomerShared,
    StripeCustomerLinked,
    StripeSyncRequested,
    StripeCustomerMerged,
)

_CUSTOMER = "cus_NffrFeUfNV2Hib"
_DIGEST = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
_MOMENT = datetime(2026, 11, 23, 12, 30, 15, 250_000, UTC)

EXAMPLES = (
    LinkStripeCustomer(customer_id=_CUSTOMER, expected_customer_id=None),
    SyncStripeCustomer(),
    StripeCustomerSynced(customer_id=_CUSTOMER, projection=_DIGEST, synced_at=_MOMENT, created=True),
    StripeCustomerSyncFailed(
        reason="Stripe: Invalid value for eu_vat. (tax_id_invalid)", projection=_DIGEST, failed_at=_MOMENT
    ),
    StripeCustomerShared(customer_id=_CUSTOMER, accounts=2, as_of=_MOMENT),
    StripeCustomerLinked(customer_id=_CUSTOMER, before=None, version=1),
    StripeSyncRequested(),
    StripeCustomerMerged(customer_id=_CUSTOMER, merged=True, version=3),
)
