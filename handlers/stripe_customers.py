"""Decisions about the link to Stripe: compare-and-set, and what a sync showed (DOMAIN.md 2)."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from handlers.account import Account, Part
from handlers.decision import Applied, Context, Decision, EffectRequest, Refused
from handlers.dispatch import Handler
from handlers.open_setups import Setups
from topics.codes import Code
from topics.stripe_customers import (
    LinkStripeCustomer,
    StripeCustomerLinked,
    StripeCustomerSynced,
    StripeCustomerSyncFailed,
    StripeSyncRequested,
    SyncStripeCustomer,
)

DISCARD_EFFECT: Final = "stripe.discard_customer"
READ_CUSTOMER: Final = "stripe.read_customer"
STRIPE: Final = "stripe"
RELINKED: Final = "The account was given another customer at the payment processor meanwhile."


@dataclass(frozen=True, slots=True)
class Failure:
    """Stripe refused the projection with this digest: why and since when."""

    projection: str
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class StripeCustomer:
    """The link to Stripe and what is known of the customer there.

    `projection` is the digest of what Stripe held at `synced_at`; None means unknown. `merged` says
    that other accounts use the same customer, as read at `shared_as_of`: automation keeps off.

    `setups` are the setup intents that a page may still complete for it. `gone`: it was deleted at Stripe.
    """

    customer_id: str | None = None
    version: int = 0
    projection: str | None = None
    synced_at: datetime | None = None
    failure: Failure | None = None
    merged: bool = False
    shared_as_of: datetime | None = None
    setups: Setups = ()
    gone: bool = False


STRIPE_CUSTOMER: Final[Part[StripeCustomer]] = Part("stripe_customer")


def customer_of(account: Account) -> StripeCustomer:
    """The account's Stripe side; an empty one when nothing is known yet."""
    return account.get(STRIPE_CUSTOMER) or StripeCustomer()


def of_another(account: Account, customer_id: str | None) -> bool:
    """Whether a customer is not the account's (any more). One that is not named, or not linked yet, may be."""
    linked = customer_of(account).customer_id
    return None not in (linked, customer_id) and linked != customer_id


def link(account: Account, command: LinkStripeCustomer, context: Context) -> Decision:
    """Set the link if it still is what the caller saw (1311 otherwise); handlers/relinking.py joins in."""
    customer = customer_of(account)
    if customer.customer_id == command.customer_id:
        return Applied(result=_view(customer))
    if customer.customer_id != command.expected_customer_id:
        return Refused(
            Code.VERSION_CONFLICT,
            "The account's Stripe customer is not the one you expected. Read it again and retry.",
        )
    return _linked(customer, command.customer_id)


def _linked(customer: StripeCustomer, customer_id: str) -> Applied:
    """Another customer: nothing is known of what it holds, nor who else uses it.

    Setups stay on record: those of the former customer must not be completed any more (handlers/relinking.py).
    """
    after = StripeCustomer(
        customer_id, customer.version + 1, shared_as_of=customer.shared_as_of, setups=customer.setups
    )
    event = StripeCustomerLinked(customer_id=customer_id, before=customer.customer_id, version=after.version)
    return Applied({STRIPE_CUSTOMER: after}, events=(event,), result=_view(after))


def sync(account: Account, command: SyncStripeCustomer, context: Context) -> Decision:
    """Ask for a sync; the reconciler hears of it, and what the customer pays with is read. Refused for a shared
    customer (1308).
    """
    customer = customer_of(account)
    if customer.merged:
        return Refused(
            Code.MERGED_ACCOUNT,
            "Several accounts share this Stripe customer, so it is not changed automatically. "
            "Give each account a customer of its own first.",
        )
    looks = (read_customer(),) if customer.customer_id else ()
    return Applied(events=(StripeSyncRequested(),), effects=looks, result=_view(customer))


def synced(account: Account, fact: StripeCustomerSynced, context: Context) -> Decision:
    """Remember what Stripe holds; link the customer if the account has none.

    A customer that was made for the account and lost the race against another link belongs to nobody: it
    is discarded at Stripe. One that the account was linked to before is somebody's, and stays.
    """
    customer = customer_of(account)
    if customer.customer_id not in (None, fact.customer_id):
        return Applied(effects=(discard_customer(fact.customer_id),) if fact.created else ())
    if customer.synced_at is not None and fact.synced_at <= customer.synced_at:
        return Applied()
    failure = customer.failure
    after = replace(
        customer,
        customer_id=fact.customer_id,
        version=customer.version + 1,
        projection=fact.projection,
        synced_at=fact.synced_at,
        failure=failure if failure and failure.at > fact.synced_at else None,
    )
    if customer.customer_id:
        return Applied({STRIPE_CUSTOMER: after})
    event = StripeCustomerLinked(customer_id=fact.customer_id, version=after.version)
    return Applied({STRIPE_CUSTOMER: after}, events=(event,))


def discard_customer(customer_id: str) -> EffectRequest:
    """Delete a customer at Stripe, unless somebody is linked to it or uses it."""
    return EffectRequest(DISCARD_EFFECT, STRIPE, f"discard:{customer_id}", {"customer_id": customer_id})


def read_customer() -> EffectRequest:
    """Look at the customer that is the account's by then, with all its methods and subscriptions."""
    return EffectRequest(READ_CUSTOMER, STRIPE, "customer")


def sync_failed(account: Account, fact: StripeCustomerSyncFailed, context: Context) -> Decision:
    """Remember why Stripe refuses, unless a later sync went well or failed in another way."""
    customer = customer_of(account)
    latest = (customer.synced_at, customer.failure.at if customer.failure else None)
    if any(known is not None and fact.failed_at <= known for known in latest):
        return Applied()
    failure = Failure(fact.projection, fact.reason, fact.failed_at)
    return Applied({STRIPE_CUSTOMER: replace(customer, version=customer.version + 1, failure=failure)})


def _view(customer: StripeCustomer) -> dict[str, object]:
    return {"customer_id": customer.customer_id, "merged": customer.merged, "version": customer.version}


HANDLERS: Final = (
    Handler(SyncStripeCustomer, sync, needs=(STRIPE_CUSTOMER,)),
    Handler(StripeCustomerSynced, synced, needs=(STRIPE_CUSTOMER,)),
    Handler(StripeCustomerSyncFailed, sync_failed, needs=(STRIPE_CUSTOMER,)),
)
