"""Do at Braintree whatever the migration of a PayPal method stands before (DOMAIN.md 4, PayPal fix).

Each step looks at the vault first and makes what is missing under a name that follows from the method, so whoever
follows a performer that was killed finds what it made. Nothing here charges anybody.
"""

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Final

from consumers.performers.braintree_answers import caller
from consumers.performers.paypal_examination import examine
from consumers.performers.paypal_failures import FOREIGN, GONE, OTHER_AGREEMENT, SHARED, failed
from consumers.performers.paypal_revocation import LOST, let_go, taken_back
from consumers.performers.paypal_view import PayPalView, paypal_view
from consumers.performers.stripe_answers import PostponedError, RefusedError, done, is_missing
from consumers.performing import GivenUp, Outcome, Performed, Postponed, Work
from handlers.paypal_migration import REVOKED, Migration
from handlers.paypal_steps import NOT_IN_USE
from observability.crash import crash_point
from observability.metrics import PAYPAL_MIGRATION_STEPS
from state.braintree import vault
from state.braintree.client import Braintree, Caller
from state.braintree.vault import Agreement
from state.stripe.answers import Refused
from topics.message import Fact
from topics.observation import Observation
from topics.payment_methods import BraintreeMethodObserved
from topics.paypal_migrations import (
    Brokenness,
    MigrationState,
    PayPalImportAwaited,
    PayPalImported,
    PayPalNeverKept,
    PayPalReady,
    PayPalStepFailed,
    PayPalVerified,
)

HALTED_PAUSE: Final = timedelta(seconds=60)
USED_UP: Final = frozenset({"93107", "92907"})
NO_NONCE: Final = USED_UP | {"82902", "93108", "92908"}
"""Used before, good for one payment only, or unknown and expired: nothing can be kept of it."""
LOOKED_FOR: Final = 3
LATE_ANSWER: Final = timedelta(seconds=5)
"""So often, and so long apart, what a nonce was used for is looked for: longer than a request of ours may take."""
FAILED: Final = "failed"


async def migrate_paypal(braintree: Braintree, work: Work) -> Outcome:
    """One step forward or back; what came of it is told as a fact. A batch that was stopped stays where it is."""
    seen = await paypal_view(work)
    migration, generation = seen.migration, seen.effect.generation
    if migration is None or migration.over:
        return Performed(generation)
    if seen.lives_on and _held(seen, migration):
        return Postponed(f"stopped: {seen.halted}", HALTED_PAUSE, counted=False, gives_way=True)
    try:
        facts = await _step(caller(braintree, work), work, seen, migration)
    except PostponedError as postponed:
        return postponed.outcome
    except RefusedError as error:
        if migration.state is MigrationState.SWITCHED:
            return GivenUp(generation, error.refused.reason)
        facts = (failed(migration, error.refused.reason),)
    went_wrong = any(isinstance(one, PayPalStepFailed) for one in facts)
    PAYPAL_MIGRATION_STEPS.labels(
        step=migration.state.value, result=FAILED if went_wrong else "done" if facts else "waits"
    ).inc()
    return Performed(generation, facts)


def _held(seen: PayPalView, migration: Migration) -> bool:
    """A way back is open while a batch is stopped, unless letting go of tokens is what stopped it."""
    way_back = migration.state is MigrationState.ROLLING_BACK
    return seen.halted is not None and (not way_back or seen.halted == LOST)


async def _step(ask: Caller, work: Work, seen: PayPalView, migration: Migration) -> tuple[Fact, ...]:
    if migration.state is MigrationState.SWITCHED:
        return await let_go(ask, work, seen, migration)
    if migration.state is MigrationState.ROLLING_BACK:
        return await taken_back(ask, work, seen, migration)
    if not seen.in_use:
        return (failed(migration, NOT_IN_USE),)
    return await _FORWARD[migration.state](ask, seen, migration)


async def _import(ask: Caller, seen: PayPalView, migration: Migration) -> tuple[Fact, ...]:
    """The agreement where it belongs: there already, vaulted from a nonce that is still good, or to be waited for.

    No call moves an agreement to another customer: Braintree imports it, under the customer and token that we name.
    """
    if seen.paid_by_others:
        return (failed(migration, SHARED),)
    agreement = await _found(ask, str(migration.new))
    if agreement is None and migration.source is not None:
        return _not_there(migration)
    if agreement is None:
        try:
            agreement = await _vaulted(ask, seen.account_id, migration)
        except RefusedError as error:
            return _not_kept(seen, migration, error.refused)
    if agreement.customer_id != seen.account_id:
        return (failed(migration, FOREIGN),)
    return (PayPalImported(method_id=migration.method_id, batch=migration.batch, reference=agreement.token),)


def _not_there(migration: Migration) -> tuple[Fact, ...]:
    """What is on another customer is waited for. What was on the account's own has gone and is imported by nobody."""
    if migration.broken is not Brokenness.WRONG_CUSTOMER:
        return (failed(migration, GONE),)
    awaited = PayPalImportAwaited(method_id=migration.method_id, batch=migration.batch)
    return () if migration.awaited else (awaited,)


async def _vaulted(ask: Caller, account_id: str, migration: Migration) -> Agreement:
    done(await vault.customer_there(ask, account_id))
    crash_point("paypal.customer_there")
    nonce = {"nonce": migration.old.reference}
    agreement = done(await vault.vault(ask, account_id, str(migration.new), nonce))
    crash_point("paypal.vaulted")
    return agreement


def _not_kept(seen: PayPalView, migration: Migration, refused: Refused) -> tuple[Fact, ...]:
    """No nonce that is good. Of one that is used up a request of ours may be the cause whose answer got lost.

    Raises `PostponedError`.
    """
    if refused.code in USED_UP and seen.effect.attempts <= LOOKED_FOR:
        raise PostponedError(Postponed("the nonce is used up, by us or by somebody else", LATE_ANSWER))
    if refused.code in NO_NONCE:
        return (PayPalNeverKept(method_id=migration.method_id, batch=migration.batch),)
    return (failed(migration, refused.reason),)


async def _verify(ask: Caller, seen: PayPalView, migration: Migration) -> tuple[Fact, ...]:
    """The new reference beside the old one, each as the vault shows it now."""
    new = await _found(ask, str(migration.new))
    old = await _found(ask, migration.source.reference) if migration.source else new
    if (why := _wrong(new, old, seen.account_id)) is not None:
        return (*_revoked(migration, why), failed(migration, why))
    return (PayPalVerified(method_id=migration.method_id, batch=migration.batch),)


async def _ready(ask: Caller, seen: PayPalView, migration: Migration) -> tuple[Fact, ...]:
    """Once more, as time has passed: what the method is to be from now on."""
    answer = await vault.find(ask, str(migration.new))
    new = None if is_missing(answer) else done(answer)
    if new is None or (why := _wrong(new, new, seen.account_id)) is not None:
        reason = GONE if new is None else str(why)
        return (*_revoked(migration, reason), failed(migration, reason))
    at = getattr(answer, "at", None) or migration.edited_on
    return (
        PayPalReady(
            method_id=migration.method_id,
            batch=migration.batch,
            details=new.details,
            seen=Observation(at=at),
        ),
    )


def _revoked(migration: Migration, why: str) -> tuple[Fact, ...]:
    """A revocation that was seen is told of the method, which is charged by the old reference still."""
    if why != REVOKED:
        return ()
    seen = Observation(at=datetime.now(UTC).replace(microsecond=0))
    return (BraintreeMethodObserved(reference=migration.old.reference, seen=seen, revoked=True),)


async def _found(ask: Caller, token: str) -> Agreement | None:
    answer = await vault.find(ask, token)
    return None if is_missing(answer) else done(answer)


def _wrong(new: Agreement | None, old: Agreement | None, account_id: str) -> str | None:
    """Why the new reference can't take the place of the old one."""
    if new is None or old is None:
        return GONE
    if new.customer_id != account_id:
        return FOREIGN
    if new.revoked or old.revoked:
        return REVOKED
    if new.agreement_id != old.agreement_id:
        return OTHER_AGREEMENT
    return None


_Step = Callable[[Caller, PayPalView, Migration], Awaitable[tuple[Fact, ...]]]
_FORWARD: Final[Mapping[MigrationState, _Step]] = MappingProxyType(
    {
        MigrationState.EXAMINING: examine,
        MigrationState.FOUND: _import,
        MigrationState.IMPORTED: _verify,
        MigrationState.VERIFIED: _ready,
    }
)
