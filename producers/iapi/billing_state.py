"""A1 and A2, the billing state: everything known of an account, as of one moment.

However many accounts are asked for, it is one statement per table: a new capability adds its load
here and its part of the answer.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Final
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from handlers import profiles as profile_rules
from handlers.accounts import AccountRecord
from handlers.payment_gate import NONE, WAY_OUT, gate
from handlers.payment_method import NO_METHODS, PaymentMethods, default_of
from handlers.payment_method import living as living_methods
from handlers.payment_method import view as method_view
from handlers.profile_copies import copies
from handlers.profiles import Profile
from handlers.stripe_customers import StripeCustomer
from handlers.subscription import NO_SUBSCRIPTIONS
from producers.http.endpoints import Endpoint, Example, Visit
from producers.http.envelope import answer
from producers.http.errors import no_such_account
from producers.iapi import accounts as account_views
from producers.iapi import collection_method
from producers.iapi import stripe_customers as customer_views
from producers.iapi.accounts import AccountShown
from producers.iapi.collection_method import CollectionShown
from producers.iapi.profiles import ProfileShown
from producers.iapi.profiles import shown as shown_profile
from producers.iapi.scopes import BILLING_STATE_READ
from producers.iapi.stripe_customers import CustomerShown
from producers.payment_methods import MethodShown
from state.postgres import (
    accounts,
    effects,
    parking,
    payment_methods,
    profiles,
    stripe_customers,
    subscriptions,
)
from state.postgres.connection import Connection, Row
from topics.ids import ACCOUNT_ID_PATTERN

MOST: Final = 1000


class EffectShown(BaseModel):
    """Work owed to the outside: what, to whom, how often tried, when again, and what went wrong last."""

    id: UUID
    kind: str
    target: str
    state: str
    attempts: int
    due_at: datetime
    last_error: str | None
    created_at: datetime


class GateShown(BaseModel):
    """Whether subscriptions may change: `method_id` is what would be charged, else why not and what to do."""

    passes: bool
    method_id: str | None
    reason: str | None
    way_out: str | None


class BillingState(BaseModel):
    """One account. `parked`: a command could not be decided, so it and later ones wait for an operator."""

    account_id: str
    as_of: datetime
    account: AccountShown
    billing_profile: ProfileShown | None
    stripe_customer: CustomerShown
    payment_methods: list[MethodShown]
    payment_gate: GateShown
    collection: CollectionShown
    effects: list[EffectShown]
    parked: bool


class AccountsAsked(BaseModel):
    """Up to 1,000 account ids."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    account_ids: Annotated[
        list[Annotated[str, Field(pattern=ACCOUNT_ID_PATTERN)]], Field(min_length=1, max_length=MOST)
    ]


class BillingStates(BaseModel):
    """The states in the order asked for, each account once, and the ids nobody has."""

    accounts: list[BillingState]
    unknown: list[str]


async def get(visit: Visit) -> Response:
    """Everything known of one account, as of one moment."""
    async with visit.surface.snapshot() as connection:
        found = await states(connection, [visit.account_id])
    if not found:
        raise no_such_account()
    return answer(found[visit.account_id])


async def batch(visit: Visit, asked: AccountsAsked) -> Response:
    """The same for up to 1,000 accounts at once."""
    ids = list(dict.fromkeys(asked.account_ids))
    async with visit.surface.snapshot() as connection:
        found = await states(connection, ids)
    return answer(
        {
            "accounts": [found[account_id] for account_id in ids if account_id in found],
            "unknown": [account_id for account_id in ids if account_id not in found],
        }
    )


async def states(connection: Connection, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    """The billing states of those accounts that exist."""
    now = datetime.now(UTC)
    records = await accounts.load(connection, ids)
    kept = await profiles.load(connection, ids)
    methods = await payment_methods.load(connection, ids)
    customers = await stripe_customers.load(connection, ids)
    mirrored = await subscriptions.load(connection, ids)
    parked = await parking.shelved(connection, ids)
    owed: defaultdict[str, list[Row]] = defaultdict(list)
    for row in await effects.open_of(connection, ids):
        owed[row["account_id"]].append(row)
    found: dict[str, dict[str, Any]] = {}
    for account_id, record in records.items():
        profile = kept.get(account_id)
        living = None if profile is None or profile.deleted_on else profile
        customer = customers.get(account_id) or StripeCustomer()
        kept_methods = methods.get(account_id, NO_METHODS)
        verdict = gate(kept_methods, now)
        found[account_id] = {
            "account_id": account_id,
            "as_of": now,
            "account": account_views.shown(record),
            "billing_profile": _profile(account_id, living, record, kept_methods),
            "stripe_customer": customer_views.shown(account_id, record, profile, kept_methods, customer),
            "payment_methods": [method_view(one) for one in living_methods(kept_methods)],
            "payment_gate": {name: getattr(verdict, name) for name in GateShown.model_fields},
            "collection": collection_method.shown(kept_methods, mirrored.get(account_id, NO_SUBSCRIPTIONS)),
            "effects": [_effect(row) for row in owed[account_id]],
            "parked": account_id in parked,
        }
    return found


def _profile(
    account_id: str, living: Profile | None, record: AccountRecord, methods: PaymentMethods
) -> dict[str, Any] | None:
    if living is None:
        return None
    first = default_of(methods)
    view = profile_rules.view(living, record.type.value)
    of_method = copies(first.details, first.billing) if first else {}
    return shown_profile(account_id, {**view, **of_method})


def _effect(row: Row) -> dict[str, Any]:
    return {name: row[name] for name in EffectShown.model_fields}


_EXAMPLE: Final[dict[str, Any]] = {
    "account_id": "023e105f4ecef8ad9ca31a8372d0c353",
    "as_of": "2026-11-23T20:16:02.300000Z",
    "account": {
        "account_type": "pay_go",
        "flags": 0,
        "flag_names": [],
        "lock": None,
        "version": 1,
        "created_on": "2026-11-23T20:15:29.000000Z",
        "edited_on": "2026-11-23T20:15:29.000000Z",
    },
    "billing_profile": None,
    "stripe_customer": {
        "customer_id": None,
        "merged": False,
        "version": 0,
        "synced_at": None,
        "sync": {"state": "pending", "reason": None, "since": None},
    },
    "payment_methods": [],
    "payment_gate": {"passes": False, "method_id": None, "reason": NONE, "way_out": WAY_OUT},
    "collection": {**collection_method.EXAMPLE, "subscriptions": []},
    "effects": [
        {
            "id": "019ab0d2-6f2c-7a31-8c1e-3f5b1d2a9c44",
            "kind": "stripe.sync_customer",
            "target": "stripe",
            "state": "open",
            "attempts": 2,
            "due_at": "2026-11-23T20:16:05.000000Z",
            "last_error": "rate_limited",
            "created_at": "2026-11-23T20:15:30.000000Z",
        }
    ],
    "parked": False,
}

ENDPOINTS: Final = (
    Endpoint(
        "GET",
        "/accounts/{account_id}/billing-state",
        get,
        "Show the billing state",
        scope=BILLING_STATE_READ,
        result=BillingState,
        example=Example(result=_EXAMPLE),
    ),
    Endpoint(
        "POST",
        "/accounts/billing-state/batch",
        batch,
        "Show the billing states of many accounts",
        scope=BILLING_STATE_READ,
        body=AccountsAsked,
        result=BillingStates,
        example=Example(
            body={"account_ids": [_EXAMPLE["account_id"], "00000000000000000000000000000000"]},
            result={"accounts": [_EXAMPLE], "unknown": ["00000000000000000000000000000000"]},
        ),
    ),
)
