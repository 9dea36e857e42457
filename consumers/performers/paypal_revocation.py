"""Letting go of one of a migrated method's two references: the old one in the end, the new one on the way back."""

from typing import Final

import structlog

from consumers.braintree_facts import observed
from consumers.performers.braintree_answers import seen as seen_at
from consumers.performers.paypal_view import PayPalView
from consumers.performers.stripe_answers import done, is_missing
from consumers.performing import Work
from handlers.paypal_migration import Migration
from observability.crash import crash_point
from state.braintree import vault
from state.braintree.client import Caller
from state.postgres import paypal_batches, switches
from topics.message import Fact
from topics.paypal_migrations import (
    MigrationState,
    PayPalCharged,
    PayPalOldRevoked,
    PayPalRolledBack,
    PayPalStepFailed,
)

log = structlog.get_logger()

LOST: Final = "The agreement ended at PayPal when one of its tokens was let go."


async def let_go(ask: Caller, work: Work, seen: PayPalView, migration: Migration) -> tuple[Fact, ...]:
    """Nothing before a payment went through with the new one, unless the account does not have the method any more."""
    if seen.in_use and not migration.charged:
        charged_at = done(await vault.first_charge(ask, str(migration.new)))
        if charged_at is None:
            return ()
        return (PayPalCharged(reference=str(migration.new), charged_at=charged_at),)
    if migration.in_vault:
        await _delete(ask, migration.old.reference)
        crash_point("paypal.old_deleted")
    return await _still_good(ask, work, seen, migration)


async def _still_good(ask: Caller, work: Work, seen: PayPalView, migration: Migration) -> tuple[Fact, ...]:
    """The new reference is looked at once the old one is gone. Had it gone along, all batches stop at once."""
    revoked = PayPalOldRevoked(method_id=migration.method_id, batch=migration.batch)
    if not seen.in_use or not migration.in_vault:
        return (revoked,)
    answer = await vault.find(ask, str(migration.new))
    if not is_missing(answer) and not (agreement := done(answer)).revoked:
        return (revoked,)
    await _stop_all(work, migration)
    lost = PayPalStepFailed(
        method_id=migration.method_id, batch=migration.batch, state=MigrationState.SWITCHED, why=LOST
    )
    return (lost,) if is_missing(answer) else (observed(agreement, seen_at(answer)), lost)


async def taken_back(ask: Caller, work: Work, seen: PayPalView, migration: Migration) -> tuple[Fact, ...]:
    """The new token is let go if we made it, and if the old one is alive to go back to or nobody needs either."""
    back = PayPalRolledBack(method_id=migration.method_id, batch=migration.batch)
    old = await vault.find(ask, migration.old.reference) if seen.in_use else None
    if not migration.made or (old is not None and (is_missing(old) or done(old).revoked)):
        return (back,)
    await _delete(ask, str(migration.new))
    crash_point("paypal.new_deleted")
    if old is None:
        return (back,)
    answer = await vault.find(ask, migration.old.reference)
    if is_missing(answer) or not (agreement := done(answer)).revoked:
        return (back,)
    await _stop_all(work, migration)
    return (observed(agreement, seen_at(answer)), back)


async def _stop_all(work: Work, migration: Migration) -> None:
    """Letting go of one token ended the agreement: it would of others too, so a person has to look first."""
    log.error("agreement_lost_with_a_token", method_id=migration.method_id)
    async with work.store.acquire() as connection:
        await switches.switch(
            connection, paypal_batches.SWITCH, off=True, by="paypal-migrations", reason=LOST
        )


async def _delete(ask: Caller, token: str) -> None:
    answer = await vault.delete(ask, token)
    if not is_missing(answer):
        done(answer)
