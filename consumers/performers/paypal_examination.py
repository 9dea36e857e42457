"""What is wrong with a PayPal method, as Braintree's vault shows it. Looks only: a dry run is the same look."""

from datetime import UTC, datetime, timedelta
from typing import Final

from consumers.braintree_facts import observed
from consumers.performers.braintree_answers import seen as seen_at
from consumers.performers.paypal_view import PayPalView
from consumers.performers.stripe_answers import done, is_missing
from handlers.paypal_migration import Migration
from state.braintree import vault
from state.braintree.client import Caller
from state.braintree.vault import Agreement
from topics.message import Fact
from topics.payment_methods import MethodDetails
from topics.paypal_migrations import Brokenness, MigrationState, PayPalExamined, PayPalStepFailed

NONCE_LIFE: Final = timedelta(hours=3)
"""Braintree forgets a nonce that nobody used after this time."""


async def examine(ask: Caller, seen: PayPalView, migration: Migration) -> tuple[Fact, ...]:
    """What the method's reference is in the vault, and which agreement to use instead if it is none."""
    reference = migration.old.reference
    answer = await vault.find(ask, reference)
    if is_missing(answer):
        return (await _without_token(ask, seen, migration),)
    agreement = done(answer)
    if agreement.revoked:
        why = "Its payer revoked the agreement at PayPal."
        return (observed(agreement, seen_at(answer)), _failed(migration, why))
    if agreement.customer_id == seen.account_id:
        return (_examined(migration, source=agreement.details),)
    if seen.paid_by_others:
        why = "Another account pays with the same agreement: a person has to say whose it is."
        return (_failed(migration, why),)
    return (_examined(migration, broken=Brokenness.WRONG_CUSTOMER, source=agreement.details),)


async def _without_token(ask: Caller, seen: PayPalView, migration: Migration) -> PayPalExamined:
    """What is kept is no token. The agreement may be in the account's vault all the same, under its own token."""
    found = await _behind(ask, seen, migration)
    young = datetime.now(UTC) - _created(seen, migration) < NONCE_LIFE
    return _examined(
        migration,
        broken=Brokenness.NONCE_AS_TOKEN,
        source=found.details if found else None,
        movable=found is not None or young,
        in_vault=False,
    )


async def _behind(ask: Caller, seen: PayPalView, migration: Migration) -> Agreement | None:
    """The one agreement of the account that is no other method's: by its id, by its payer, or the only one."""
    answer = await vault.agreements(ask, seen.account_id)
    if is_missing(answer):
        return None
    taken = {one.details.reference for one in seen.methods.methods.values() if one.id != migration.method_id}
    free = [one for one in done(answer) if not one.revoked and one.token not in taken]
    old = migration.old
    if old.agreement_id:
        return next((one for one in free if one.agreement_id == old.agreement_id), None)
    if old.payer_email:
        free = [one for one in free if one.email.casefold() == old.payer_email.casefold()]
    return free[0] if len(free) == 1 else None


def _created(seen: PayPalView, migration: Migration) -> datetime:
    method = seen.methods.methods.get(migration.method_id)
    return method.created_on if method else migration.began_on


def _examined(
    migration: Migration,
    *,
    source: MethodDetails | None,
    broken: Brokenness | None = None,
    movable: bool = True,
    in_vault: bool = True,
) -> PayPalExamined:
    return PayPalExamined(
        method_id=migration.method_id,
        batch=migration.batch,
        broken=broken,
        source=source,
        movable=movable,
        in_vault=in_vault,
    )


def _failed(migration: Migration, why: str) -> PayPalStepFailed:
    return PayPalStepFailed(
        method_id=migration.method_id, batch=migration.batch, state=MigrationState.EXAMINING, why=why
    )
