"""A23 and A24, how the account's subscriptions are collected: the value, why, and where Stripe has it otherwise."""

from datetime import datetime
from typing import Any, Final

from pydantic import BaseModel
from starlette.responses import Response

from handlers.collection_method import Derived, derived
from handlers.payment_method import NO_METHODS, PaymentMethods
from handlers.subscription import NO_SUBSCRIPTIONS, Subscription, Subscriptions
from producers.http.commands import ask
from producers.http.endpoints import Endpoint, Example, Visit
from producers.http.envelope import answer
from producers.http.errors import no_such_account
from producers.iapi.scopes import PAYMENT_METHODS_READ, PAYMENT_METHODS_WRITE
from state.postgres import accounts, payment_methods, subscriptions
from topics.codes import Code
from topics.payment_methods import CollectionMethod, ReconcileCollectionMethod
from topics.subscriptions import SubscriptionStatus

PATH: Final = "/accounts/{account_id}/collection-method"


class SubscriptionCollected(BaseModel):
    """How one subscription was last seen to be collected, and whether that is as it shall be.

    `default_payment_method` is one of its own, which Stripe charges before the customer's default.
    """

    subscription: str
    status: SubscriptionStatus
    collection_method: CollectionMethod
    days_until_due: int | None
    default_payment_method: str | None
    agrees: bool
    seen_at: datetime | None


class CollectionShown(BaseModel):
    """The derived value and the reason for it; `days_until_due` is the term that invoices shall have that are sent."""

    collection_method: CollectionMethod
    days_until_due: int | None
    reason: str
    subscriptions: list[SubscriptionCollected]


class Reconciling(BaseModel):
    """Both processors are looked at and brought in line."""

    reconciling: bool


def shown(methods: PaymentMethods, mirrored: Subscriptions) -> dict[str, Any]:
    """The collection method of an account, JSON-ready."""
    found = derived(methods)
    live = [one for one in mirrored.subscriptions.values() if one.live]
    return {
        "collection_method": found.value.value,
        "days_until_due": found.days_until_due,
        "reason": found.reason,
        "subscriptions": [_collected(one, found) for one in live],
    }


def _collected(one: Subscription, wanted: Derived) -> dict[str, Any]:
    return {
        "subscription": one.id,
        "status": one.status.value,
        "collection_method": one.collection_method.value,
        "days_until_due": one.days_until_due,
        "default_payment_method": one.default_payment_method,
        "agrees": wanted.met_by(one.collection_method, one.days_until_due, one.default_payment_method),
        "seen_at": one.seen.at if one.seen else None,
    }


async def get(visit: Visit) -> Response:
    """The collection method that follows from the payment methods, why, and each live subscription beside it."""
    ids = [visit.account_id]
    async with visit.surface.snapshot() as connection:
        record = (await accounts.load(connection, ids)).get(visit.account_id)
        methods = (await payment_methods.load(connection, ids)).get(visit.account_id, NO_METHODS)
        mirrored = (await subscriptions.load(connection, ids)).get(visit.account_id, NO_SUBSCRIPTIONS)
    if record is None:
        raise no_such_account()
    return answer(shown(methods, mirrored))


async def reconcile(visit: Visit) -> Response:
    """Have every subscription at Stripe collect as it shall, and the default be the same everywhere."""
    return await ask(visit, ReconcileCollectionMethod())


EXAMPLE: Final = {
    "collection_method": "send_invoice",
    "days_until_due": 7,
    "reason": "PayPal is among the active payment methods, so invoices are sent and charged through Braintree.",
    "subscriptions": [
        {
            "subscription": "sub_1PzXq5LkdIwHu7ixG0OtYaMp",
            "status": "active",
            "collection_method": "send_invoice",
            "days_until_due": 7,
            "default_payment_method": None,
            "agrees": True,
            "seen_at": "2026-11-24T09:30:15Z",
        }
    ],
}

ENDPOINTS: Final = (
    Endpoint(
        "GET",
        PATH,
        get,
        "Show how subscriptions are collected",
        scope=PAYMENT_METHODS_READ,
        result=CollectionShown,
        example=Example(result=EXAMPLE),
    ),
    Endpoint(
        "POST",
        PATH + "/reconcile",
        reconcile,
        "Bring subscriptions in line with the payment methods",
        scope=PAYMENT_METHODS_WRITE,
        command=True,
        result=Reconciling,
        example=Example(result={"reconciling": True}),
        refusals=(Code.MERGED_ACCOUNT,),
    ),
)
