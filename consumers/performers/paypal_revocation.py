"""Letting go of one of a migrated method's two references: the old one in the end, the new one on the way back."""

from typing import Final

import structlog

from consumers.braintree_facts import gone, observed
from consumers.performers.braintree_answers import seen as seen_at
from consumers.performers.paypal_failures import NOTHING_TO_GO_BACK_TO, failed
from consumers.performers.paypal_view import PayPalView
from consumers.performers.stripe_answers import done, is_missing
from consumers.performing import Work
from handlers.paypal_migration import Migration
from handlers.paypal_steps import MISSING
from observability.crash import crash_point
from state.braintree import vault
from state.braintree.client import Caller
from state.braintree.vault import Agreement
from state.postgres import paypal_batches, switches
from state.stripe.answers import Answer
from topics.message import Fact
from topics.paypal_migrations import (
    PayPalCharged,
    PayPalOldRevoked,
    PayPalRolledBack,
    PayPalTurnedBack,
)

log = structlog.get_logger()

LOST: Final = "An agreement ended at PayPal when one of its tokens was let go."


async def let_go(ask: Caller, work: Work, seen: PayPalView, migration: Migration) -> tuple[Fact, ...]:
    """Nothing before a payment went through with the new one, unless the account does not have the method any more.

    A method that became one with another is had under that one's name.
    """
    if not seen.lives_on:
        return (await _old_gone(ask, seen, migration),)
    if not migration.charged:
        return await _charge(ask, migration)
    new = await vault.find(ask, str(migration.new))
    if is_missing(new) or done(new).revoked:
        return await _bad(ask, work, migration, new)
    revoked = await _old_gone(ask, seen, migration)
    return (
        (revoked,)
        if revoked.kept or not migration.in_vault
        else await _still_good(ask, work, migration, revoked)
    )


async def _bad(ask: Caller, work: Work, migration: Migration, new: Answer[Agreement]) -> tuple[Fact, ...]:
    """The new token can't be charged. If the old one is gone too, letting it go may be why: then all batches stop."""
    if not migration.in_vault:
        return (_word(str(migration.new), new),)
    if is_missing(await vault.find(ask, migration.old.reference)):
        await _stop_all(work, migration)
    elif is_missing(new):
        return (failed(migration, MISSING),)
    return (_word(str(migration.new), new),)


def _word(reference: str, answer: Answer[Agreement]) -> Fact:
    """What was seen of a token."""
    if is_missing(answer):
        return gone(reference, seen_at(answer))
    return observed(done(answer), seen_at(answer))


async def _charge(ask: Caller, migration: Migration) -> tuple[Fact, ...]:
    """The first payment since the switch, if there is one."""
    since = migration.switched_on or migration.edited_on
    charged_at = done(await vault.first_charge(ask, str(migration.new), since))
    return () if charged_at is None else (PayPalCharged(reference=str(migration.new), charged_at=charged_at),)


async def _old_gone(ask: Caller, seen: PayPalView, migration: Migration) -> PayPalOldRevoked:
    """The old token is let go, but for one with which another account pays, or another method of this one."""
    needed = seen.paid_by_others or seen.charged_by(migration.old.reference)
    kept = migration.in_vault and needed
    if migration.in_vault and not kept:
        await _delete(ask, migration.old.reference)
        crash_point("paypal.old_deleted")
    return PayPalOldRevoked(method_id=migration.method_id, batch=migration.batch, kept=kept)


async def _still_good(
    ask: Caller, work: Work, migration: Migration, revoked: PayPalOldRevoked
) -> tuple[Fact, ...]:
    """The new token was good a moment ago. Had it gone along with the old one, all batches stop at once."""
    reference = str(migration.new)
    answer = await vault.find(ask, reference)
    if not is_missing(answer) and not done(answer).revoked:
        return (revoked,)
    await _stop_all(work, migration)
    return (_word(reference, answer), revoked)


async def taken_back(ask: Caller, work: Work, seen: PayPalView, migration: Migration) -> tuple[Fact, ...]:
    """First the old token is looked for; the method goes back to it, and then what was made is let go."""
    if migration.turning and seen.in_use:
        return await _turned(ask, migration)
    if not seen.in_use:
        await _old_gone(ask, seen, migration)
    return await _undone(ask, work, seen, migration)


async def _turned(ask: Caller, migration: Migration) -> tuple[Fact, ...]:
    """Whether there is something to go back to, and nobody paid with the new token meanwhile."""
    if not migration.charged and (charged := await _charge(ask, migration)):
        return charged
    answer = await vault.find(ask, migration.old.reference)
    if is_missing(answer) or done(answer).revoked:
        new = str(migration.new)
        return (_word(new, await vault.find(ask, new)), failed(migration, NOTHING_TO_GO_BACK_TO))
    return (PayPalTurnedBack(method_id=migration.method_id, batch=migration.batch),)


async def _undone(ask: Caller, work: Work, seen: PayPalView, migration: Migration) -> tuple[Fact, ...]:
    """The new token is let go if it was made for this and the old one is alive, or nobody needs either."""
    back = PayPalRolledBack(method_id=migration.method_id, batch=migration.batch)
    if not migration.made:
        return (back,)
    kept_for = seen.in_use and migration.in_vault
    old = await vault.find(ask, migration.old.reference) if kept_for else None
    if old is not None and (is_missing(old) or done(old).revoked):
        return await _after_a_kill(ask, work, migration, old, back)
    if not await _unneeded(ask, seen, migration):
        return (back,)
    await _delete(ask, str(migration.new))
    crash_point("paypal.new_deleted")
    if old is None:
        return (back,)
    answer = await vault.find(ask, migration.old.reference)
    if not is_missing(answer) and not done(answer).revoked:
        return (back,)
    await _stop_all(work, migration)
    return (_word(migration.old.reference, answer), back)


async def _unneeded(ask: Caller, seen: PayPalView, migration: Migration) -> bool:
    """Whether the new token is there, on the account's customer, and needed by nobody.

    A reference may have been two accounts': then its token has the same name in both, and is the other one's. What
    was made of a nonce is all that is left of it, so it stays while the account has the method.
    """
    token = str(migration.new)
    if seen.charged_by(token):
        return False
    answer = await vault.find(ask, token)
    if is_missing(answer):
        return False
    made = done(answer)
    wanted = seen.in_use and not migration.in_vault and not made.revoked
    return made.customer_id == seen.account_id and not wanted


async def _after_a_kill(
    ask: Caller, work: Work, migration: Migration, old: Answer[Agreement], back: PayPalRolledBack
) -> tuple[Fact, ...]:
    """The old token, to which the method went back, can't be charged. If the new one is gone, that may be why."""
    if is_missing(await vault.find(ask, str(migration.new))):
        await _stop_all(work, migration)
    return (_word(migration.old.reference, old), back)


async def _stop_all(work: Work, migration: Migration) -> None:
    """Letting go of one token ended the agreement: it would of others too, so a person has to look first."""
    log.error("agreement_lost_with_a_token", method_id=migration.method_id)
    async with work.store.acquire() as connection:
        await switches.switch(
            connection, paypal_batches.LETTING_GO, off=True, by="paypal-migrations", reason=LOST
        )


async def _delete(ask: Caller, token: str) -> None:
    answer = await vault.delete(ask, token)
    if not is_missing(answer):
        done(answer)
