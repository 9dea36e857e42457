"""A customer for an account that has none: reserved in our store, then made, so that none is made twice or lost.

It is made bare: it says whose it is, and the update that follows says the rest. So what is sent depends on
nothing but the account and the reservation, its idempotency key repeats the same answer whatever happened
in between, and nothing about a person waits in our tables.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Final

import orjson
from uuid6 import uuid7

from consumers.performers.stripe_answers import PostponedError, RefusedError, done
from consumers.performers.stripe_view import View
from consumers.performing import Postponed, Work
from handlers.stripe_customers import DISCARD_EFFECT, STRIPE
from handlers.stripe_projection import bare
from observability.crash import crash_point
from state.postgres import effects, stripe_customers, stripe_holdings
from state.stripe import customers
from state.stripe.answers import Done, Refused, Unknown
from state.stripe.client import Caller
from state.stripe.customers import Customer, parameters

CLOCKS_APART: Final = timedelta(minutes=10)
"""How far Stripe's clock may be behind ours."""


async def customer_to_sync(ask: Caller, work: Work, seen: View, *, needed: bool = False) -> str | None:
    """The account's customer, made now if it should have one and has none; None when it needs none.

    It is `needed` when the work at hand can't do without, whatever the account says.

    An open reservation is brought to its end: its customer is what the account gets, or, if the account
    was linked to another one meanwhile, belongs to nobody and is discarded.
    """
    linked = seen.customer.customer_id
    number = seen.holding.reservation
    if seen.holding.reserved_at is None:
        if linked or not (seen.wanted or needed):
            return linked
        async with work.store.acquire() as connection:
            number = await stripe_holdings.reserve(connection, work.effect, work.worker)
        crash_point("stripe.reserved")
    made = seen.holding.made_id or await _made(ask, work, seen, number)
    if linked is None:
        return made
    await _close(work, discarded=[made] if made != linked else [])
    return linked


async def _made(ask: Caller, work: Work, seen: View, number: int) -> str:
    """The customer of the reservation. Stripe repeats its first answer to the key for as long as it keeps it."""
    account_id = work.effect.account_id
    if not seen.holding.stale:
        params = parameters(bare(account_id))
        answer = await customers.create(ask, params, key=f"customer:{account_id}:{number}")
        crash_point("stripe.made")
        match answer:
            case Done(customer):
                return await _note_made(work, customer.id)
            case Refused(code="idempotency_error") | Unknown(stored=True):
                pass  # The key is used up and does not tell what came of it.
            case Refused():
                await _close(work)
                raise RefusedError(answer)
            case _:
                done(answer)
    return await _found(ask, work, seen)


async def _found(ask: Caller, work: Work, seen: View) -> str:
    """Look the customer up in Stripe's list, which unlike its search is consistent (DOMAIN.md 11)."""
    since = (seen.holding.reserved_at or datetime.now(UTC)) - CLOCKS_APART
    ours: list[Customer] = []
    async for page in customers.created_since(ask, since):
        if isinstance(page, Refused):
            raise PostponedError(Postponed(page.reason))  # A cursor that was deleted meanwhile: list again.
        ours += [one for one in done(page) if one.account_id == work.effect.account_id]
    free = await _free(work, ours)
    if not free:
        await _close(work)
        raise PostponedError(
            Postponed("no customer was made; it is reserved anew", timedelta(), counted=False)
        )
    linked = seen.customer.customer_id
    chosen = linked if linked in free else free[0]
    await _discard(work, [one for one in free if one != chosen])
    return await _note_made(work, chosen)


async def _free(work: Work, customers: Iterable[Customer]) -> list[str]:
    """Those that are linked to no other account, oldest first."""
    ids = [
        one.id for one in sorted(customers, key=lambda one: one.created or datetime.max.replace(tzinfo=UTC))
    ]
    async with work.store.acquire() as connection:
        held = await stripe_customers.holders(connection, ids)
    mine = {work.effect.account_id}
    return [one for one in ids if one not in held or mine.issuperset(held[one].accounts)]


async def _note_made(work: Work, customer_id: str) -> str:
    async with work.store.acquire() as connection:
        await stripe_holdings.made(connection, work.effect, work.worker, customer_id)
    crash_point("stripe.made_noted")
    return customer_id


async def _close(work: Work, discarded: Iterable[str] = ()) -> None:
    """End the reservation, and what is owed with it: customers that belong to nobody."""
    async with work.store.acquire() as connection, connection.transaction():
        await stripe_holdings.close(connection, work.effect, work.worker)
        await effects.add(connection, [_discard_row(work, one) for one in discarded])
    crash_point("stripe.reservation_closed")


async def _discard(work: Work, customer_ids: Iterable[str]) -> None:
    async with work.store.acquire() as connection:
        await effects.add(connection, [_discard_row(work, one) for one in customer_ids])


def _discard_row(work: Work, customer_id: str) -> effects.EffectRow:
    payload = orjson.dumps({"customer_id": customer_id}).decode()
    return effects.EffectRow(
        work.effect.account_id,
        uuid7(),
        DISCARD_EFFECT,
        STRIPE,
        f"discard:{customer_id}",
        payload,
        work.effect.cause,
        urgency=work.effect.urgency,
    )
