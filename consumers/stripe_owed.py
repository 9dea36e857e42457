"""What a batch of events makes us owe: coalesced syncs, word of shared customers, dead letters, all or none."""

from typing import Final

from uuid6 import uuid7

from consumers.dead_letters import letter
from consumers.stripe_notices import Notices
from consumers.sync_effect import sync_row
from observability.crash import crash_point
from state.postgres import effects, outbox, stripe_customers
from state.postgres.connection import Connection
from state.postgres.stripe_customers import Holders
from topics.message import Actor, Envelope, Role
from topics.stripe_customers import StripeCustomerShared
from topics.table import FACTS

ACTOR: Final = Actor("reconciler", Role.SYSTEM, "/reconciler")


async def owe(connection: Connection, notices: Notices, group: str) -> None:
    """Write it in one transaction. Doing it twice asks for syncs that find nothing to do, and repeats letters."""
    syncs = [
        sync_row(account_id, cause=notice.cause, urgency=notice.urgency, force=notice.forced)
        for account_id, notice in notices.accounts.items()
    ]
    letters = [letter(rejected, group) for rejected in notices.rejected]
    async with connection.transaction():
        facts = await _sharing(connection, notices)
        if syncs:
            await effects.add(connection, syncs)
        if letters or facts:
            await outbox.add(connection, [*letters, *facts])
        crash_point("reconciler.before_commit")


async def _sharing(connection: Connection, notices: Notices) -> list[outbox.OutboxRow]:
    """Who shares the customers that were linked or left: told to every account concerned."""
    asked = sorted(notices.customers.keys() | notices.left.keys())
    if not asked:
        return []
    await stripe_customers.lock_customers(connection, asked)
    found = await stripe_customers.holders(connection, asked)
    return [
        _shared(
            account_id,
            customer_id,
            holders,
            notices.left.get(customer_id) or notices.customers.get(customer_id),
        )
        for customer_id, holders in found.items()
        if len(holders.accounts) > 1 or customer_id in notices.left
        for account_id in holders.accounts
    ]


def _shared(account_id: str, customer_id: str, holders: Holders, cause: str | None) -> outbox.OutboxRow:
    fact = StripeCustomerShared(customer_id=customer_id, accounts=len(holders.accounts), as_of=holders.as_of)
    return outbox.message_row(
        FACTS.name, Envelope(uuid7(), fact.type, account_id, ACTOR, causation_id=cause), fact
    )
