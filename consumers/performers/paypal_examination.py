"""What is wrong with a PayPal method, as Braintree's vault shows it. Looks only: a dry run is the same look."""

from datetime import UTC, datetime, timedelta
from typing import Final

from consumers.braintree_facts import observed
from consumers.performers.braintree_answers import seen as seen_at
from consumers.performers.paypal_failures import AMBIGUOUS, SHARED, failed
from consumers.performers.paypal_view import PayPalView
from consumers.performers.stripe_answers import done, is_missing
from handlers.paypal_migration import REVOKED, Migration
from state.braintree import vault
from state.braintree.client import Caller
from state.braintree.vault import Agreement
from topics.message import Fact
from topics.payment_methods import MethodDetails
from topics.paypal_migrations import Brokenness, PayPalExamined

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
        word = () if migration.dry_run else (observed(agreement, seen_at(answer)),)
        return (*word, failed(migration, REVOKED))
    if agreement.agreement_id is None:
        return (_examined(migration, broken=Brokenness.NONCE_AS_TOKEN, source=None, movable=False),)
    if agreement.customer_id == seen.account_id:
        return (_examined(migration, source=agreement.details),)
    if seen.paid_by_others:
        return (failed(migration, SHARED),)
    return (_examined(migration, broken=Brokenness.WRONG_CUSTOMER, source=agreement.details),)


async def _without_token(ask: Caller, seen: PayPalView, migration: Migration) -> Fact:
    """What is kept is no token. The agreement may be in the account's vault all the same, under its own token."""
    found = await _behind(ask, seen, migration)
    if len({one.agreement_id for one in found}) > 1:
        return failed(migration, AMBIGUOUS)
    young = datetime.now(UTC) - _created(seen, migration) < NONCE_LIFE
    return _examined(
        migration,
        broken=Brokenness.NONCE_AS_TOKEN,
        source=found[0].details if found else None,
        movable=bool(found) or young,
        in_vault=False,
    )


async def _behind(ask: Caller, seen: PayPalView, migration: Migration) -> list[Agreement]:
    """The account's good agreements that may be meant: by their id, by their payer, else those of no other method.

    One that was taken over as a method of its own meanwhile is meant as well when the payer is the same.
    """
    answer = await vault.agreements(ask, seen.account_id)
    if is_missing(answer):
        return []
    good = sorted((one for one in done(answer) if _chargeable(one)), key=lambda one: one.token)
    old = migration.old
    if old.agreement_id:
        return [one for one in good if one.agreement_id == old.agreement_id]
    if old.payer_email:
        return [one for one in good if one.email.casefold() == old.payer_email.casefold()]
    taken = {one.details.reference for one in seen.methods.methods.values() if one.id != migration.method_id}
    return [one for one in good if one.token not in taken]


def _chargeable(one: Agreement) -> bool:
    return not one.revoked and one.agreement_id is not None


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
