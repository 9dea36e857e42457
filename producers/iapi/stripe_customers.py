"""A8-A10 and A15, the account's Stripe customer: who has it, link it, bring it up to date."""

from datetime import datetime
from typing import Any, Final, Literal

from pydantic import BaseModel
from starlette.responses import Response

from handlers.accounts import AccountRecord
from handlers.payment_method import NO_METHODS, PaymentMethods
from handlers.profiles import Profile
from handlers.stripe_customers import StripeCustomer
from handlers.stripe_projection import sync_state
from producers.http.commands import ask
from producers.http.endpoints import Endpoint, Example, Visit
from producers.http.envelope import answer
from producers.http.errors import no_such_account, not_found
from producers.iapi.scopes import STRIPE_CUSTOMERS_READ, STRIPE_CUSTOMERS_WRITE
from state.postgres import accounts, payment_methods, profiles, stripe_customers
from topics.codes import Code
from topics.stripe_customers import LinkStripeCustomer, SyncStripeCustomer

PATH: Final = "/accounts/{account_id}/stripe-customer"


class SyncShown(BaseModel):
    """Whether Stripe holds what we know: in which state, since when, and what stands in the way."""

    state: Literal["none", "pending", "synced", "failed"]
    reason: str | None
    since: datetime | None


class CustomerShown(BaseModel):
    """The account's Stripe customer. `merged`: other accounts use it too, so automation keeps off."""

    customer_id: str | None
    merged: bool
    version: int
    synced_at: datetime | None
    sync: SyncShown


class CustomerLinked(BaseModel):
    """The link after the command."""

    customer_id: str | None
    merged: bool
    version: int


class HoldersShown(BaseModel):
    """Who uses a Stripe customer. `account_id` is null when several accounts do."""

    customer_id: str
    account_id: str | None
    account_ids: list[str]
    merged: bool


def shown(
    account_id: str,
    record: AccountRecord,
    profile: Profile | None,
    methods: PaymentMethods,
    customer: StripeCustomer,
) -> dict[str, Any]:
    """The Stripe side of an account, JSON-ready. `profile` may be the tombstone of a deleted one."""
    sync = sync_state(account_id, record, profile, methods, customer)
    return {
        "customer_id": customer.customer_id,
        "merged": customer.merged,
        "version": customer.version,
        "synced_at": customer.synced_at,
        "sync": {"state": sync.state, "reason": sync.reason, "since": sync.since},
    }


async def holders(visit: Visit) -> Response:
    """The account of a Stripe customer; several when accounts were merged on it."""
    customer_id = visit.path("customer_id")
    if not customer_id.isprintable():
        raise not_found("No account has this Stripe customer.")
    async with visit.surface.reading() as connection:
        found = (await stripe_customers.holders(connection, [customer_id])).get(customer_id)
    if found is None:
        raise not_found("No account has this Stripe customer.")
    alone = len(found.accounts) == 1
    return answer(
        {
            "customer_id": customer_id,
            "account_id": found.accounts[0] if alone else None,
            "account_ids": found.accounts,
            "merged": not alone,
        }
    )


async def get(visit: Visit) -> Response:
    """The account's Stripe customer and whether it is up to date."""
    ids = [visit.account_id]
    async with visit.surface.snapshot() as connection:
        record = (await accounts.load(connection, ids)).get(visit.account_id)
        profile = (await profiles.load(connection, ids)).get(visit.account_id)
        methods = (await payment_methods.load(connection, ids)).get(visit.account_id, NO_METHODS)
        customer = (await stripe_customers.load(connection, ids)).get(visit.account_id)
    if record is None:
        raise no_such_account()
    if customer is None or customer.customer_id is None:
        raise not_found("The account has no Stripe customer yet.")
    return answer(shown(visit.account_id, record, profile, methods, customer))


async def link(visit: Visit, given: LinkStripeCustomer) -> Response:
    """Link a Stripe customer if the link now is `expected_customer_id` (none when null or left out)."""
    return await ask(visit, given)


async def sync(visit: Visit) -> Response:
    """Bring the Stripe customer up to date now, even if nothing seems to differ. Refused when merged (1308)."""
    return await ask(visit, SyncStripeCustomer())


_ACCOUNT: Final = "023e105f4ecef8ad9ca31a8372d0c353"
_LINKED: Final = {"customer_id": "cus_PxQ0c7uW1Vb3kd", "merged": False, "version": 3}
_SYNCED: Final = {"state": "synced", "reason": None, "since": "2026-11-23T20:15:31.480000Z"}

ENDPOINTS: Final = (
    Endpoint(
        "GET",
        "/stripe-customers/{customer_id}/account",
        holders,
        "Show the account of a Stripe customer",
        scope=STRIPE_CUSTOMERS_READ,
        result=HoldersShown,
        example=Example(
            result={
                "customer_id": "cus_PxQ0c7uW1Vb3kd",
                "account_id": _ACCOUNT,
                "account_ids": [_ACCOUNT],
                "merged": False,
            }
        ),
    ),
    Endpoint(
        "GET",
        PATH,
        get,
        "Show the Stripe customer",
        scope=STRIPE_CUSTOMERS_READ,
        result=CustomerShown,
        example=Example(result={**_LINKED, "synced_at": _SYNCED["since"], "sync": _SYNCED}),
    ),
    Endpoint(
        "PUT",
        PATH,
        link,
        "Link a Stripe customer",
        scope=STRIPE_CUSTOMERS_WRITE,
        command=True,
        body=LinkStripeCustomer,
        result=CustomerLinked,
        example=Example(
            body={"customer_id": "cus_PxQ0c7uW1Vb3kd", "expected_customer_id": None}, result=_LINKED
        ),
        refusals=(Code.VERSION_CONFLICT,),
    ),
    Endpoint(
        "POST",
        "/accounts/{account_id}/billing-profile/sync",
        sync,
        "Bring the Stripe customer up to date",
        scope=STRIPE_CUSTOMERS_WRITE,
        command=True,
        result=CustomerLinked,
        example=Example(result=_LINKED),
        refusals=(Code.MERGED_ACCOUNT,),
    ),
)
