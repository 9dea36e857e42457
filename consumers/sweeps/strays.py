"""Customers at Stripe that no account is linked to: duplicates of an account's own, and orphans."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from consumers.performing import Store
from handlers.stripe_customers import StripeCustomer
from state.postgres import drift, stripe_customers, stripe_holdings
from state.postgres.drift import Stray
from state.stripe.customers import Customer

YOUNGEST: Final = timedelta(minutes=10)
"""One that was made just now may be on its way to its account."""


async def note_strays(store: Store, found: Iterable[Customer], linked: Iterable[str]) -> None:
    """Write down which of these are nobody's, and have been for a while."""
    known, before = set(linked), datetime.now(UTC) - YOUNGEST
    loose = [
        one
        for one in found
        if one.id not in known and not one.deleted and one.created is not None and one.created < before
    ]
    if not loose:
        return
    async with store.acquire() as connection:
        named = sorted({one.account_id for one in loose if one.account_id})
        links = await stripe_customers.load(connection, named)
        underway = await stripe_holdings.made_for(connection, [one.id for one in loose])
        strays: Sequence[Stray] = [
            Stray(one.id, one.account_id, _link(links, one.account_id), one.created)
            for one in loose
            if one.id not in underway
        ]
        await drift.stray(connection, strays)


def _link(links: dict[str, StripeCustomer], account_id: str | None) -> str | None:
    link = links.get(account_id) if account_id else None
    return link.customer_id if link else None
