"""What came of a step of a migration, and the next one. Told late or twice, it changes nothing."""

from dataclasses import replace as dataclass_replace
from datetime import datetime, timedelta
from typing import Any, Final

from handlers.account import Account
from handlers.collection_method import derived
from handlers.decision import Applied, Context, Decision, EffectRequest
from handlers.dispatch import Handler
from handlers.drift import payment_in_flight
from handlers.ordering import seen
from handlers.payment_changes import applied
from handlers.payment_effects import align_braintree, align_stripe
from handlers.payment_method import PAYMENT_METHODS, PaymentMethod, changed, ended, methods_of
from handlers.payment_results import heir
from handlers.payment_rules import merged
from handlers.paypal_migration import (
    PAYPAL_MIGRATIONS,
    Migration,
    migrations_of,
    moved,
    own_token,
    step,
    told,
)
from handlers.stripe_customers import STRIPE_CUSTOMER
from handlers.subscription import SUBSCRIPTIONS, subscriptions_of
from topics.payment_methods import CollectionMethod, MethodKind, MethodState
from topics.paypal_migrations import (
    Brokenness,
    MigrationState,
    PayPalCharged,
    PayPalExamined,
    PayPalImportAwaited,
    PayPalImported,
    PayPalNeverKept,
    PayPalOldRevoked,
    PayPalReady,
    PayPalRolledBack,
    PayPalStepFailed,
    PayPalTurnedBack,
    PayPalVerified,
)
from topics.subscriptions import SubscriptionStatus

NOT_IN_USE: Final = "The method is not in use any more."
NEVER_KEPT: Final = "PayPal was allowed a single payment only. Connect PayPal again to pay with it."
TWICE: Final = "The same agreement stood here twice."
IN_FLIGHT_PAUSE: Final = timedelta(minutes=1)
KEPT: Final = "The old token stays in the vault, as another account or method pays with it."
LET_GO: Final = "The agreement was removed from the account meanwhile."
MISSING: Final = "The new token is not in the vault any more, so the method is charged by the old one again."
MERGED: Final = "Several accounts share the account's Stripe customer by now."
_UNDONE: Final = frozenset(
    {MigrationState.FOUND, MigrationState.IMPORTED, MigrationState.VERIFIED, MigrationState.SWITCHED}
)
"""Where a step that fails leaves something to undo."""
_STEP = (
    PayPalExamined
    | PayPalImportAwaited
    | PayPalImported
    | PayPalVerified
    | PayPalReady
    | PayPalNeverKept
    | PayPalOldRevoked
    | PayPalTurnedBack
    | PayPalRolledBack
)


def examined(account: Account, fact: PayPalExamined, context: Context) -> Decision:
    """What is wrong is known. In a dry run that is all; else the agreement is brought to where it belongs."""
    migration = _current(account, fact, MigrationState.EXAMINING)
    if migration is None:
        return Applied()
    broken = fact.broken or _dunned_as_card(account, migration)
    found: dict[str, Any] = {"broken": broken, "source": fact.source, "in_vault": fact.in_vault}
    if _method(account, migration) is None:
        return _moved(account, moved(migration, MigrationState.FAILED, context.now, why=NOT_IN_USE))
    if broken is None:
        return _moved(account, moved(migration, MigrationState.SOUND, context.now, **found))
    if not fact.movable and not migration.dry_run:
        return _never_kept(account, migration, found, context)
    if not fact.movable:
        return _moved(account, moved(migration, MigrationState.FOUND, context.now, why=NEVER_KEPT, **found))
    new = fact.source.reference if fact.source else None
    if new is None or broken is Brokenness.WRONG_CUSTOMER:
        new = own_token(migration.method_id, migration.old.reference)
    after = moved(migration, MigrationState.FOUND, context.now, new=new, **found)
    return _moved(account, after, () if migration.dry_run else (step(after),))


def _dunned_as_card(account: Account, migration: Migration) -> Brokenness | None:
    """PayPal that is filed as a card, or whose subscriptions are charged as if it were one."""
    if migration.old.kind is not MethodKind.PAYPAL:
        return Brokenness.DUNNED_AS_CARD
    wanted = derived(methods_of(account)).value
    collected = [
        one.collection_method
        for one in subscriptions_of(account).subscriptions.values()
        if one.live and one.status is not SubscriptionStatus.INCOMPLETE
    ]
    wrong = wanted is CollectionMethod.SEND_INVOICE and any(one is not wanted for one in collected)
    return Brokenness.DUNNED_AS_CARD if wrong else None


def never_kept(account: Account, fact: PayPalNeverKept, context: Context) -> Decision:
    """What looked like a nonce that is still good was none."""
    migration = _current(account, fact, MigrationState.FOUND)
    return Applied() if migration is None else _never_kept(account, migration, {}, context)


def _never_kept(account: Account, migration: Migration, found: dict[str, Any], context: Context) -> Applied:
    """There is no agreement to move: the method ends, and its payer is asked to connect PayPal again."""
    after = moved(migration, MigrationState.FAILED, context.now, why=NEVER_KEPT, **found)
    method = _method(account, migration)
    if method is None:
        return _moved(account, after)
    gone = ended(method, MethodState.REVOKED, NEVER_KEPT, context.now, released=not after.in_vault)
    return _with(account, after, applied(account, methods_of(account).put(gone), context))


def import_awaited(account: Account, fact: PayPalImportAwaited, context: Context) -> Decision:
    """Nothing can be done but to wait: it is looked at again once a day, or when somebody asks."""
    migration = _current(account, fact, MigrationState.FOUND)
    if migration is None or migration.awaited:
        return Applied()
    return _moved(account, moved(migration, MigrationState.FOUND, context.now, awaited=True))


def imported(account: Account, fact: PayPalImported, context: Context) -> Decision:
    """It is there: look at it from the outside next."""
    migration = _current(account, fact, MigrationState.FOUND)
    if migration is None:
        return Applied()
    after = moved(migration, MigrationState.IMPORTED, context.now, new=fact.reference, awaited=False)
    return _moved(account, after, (step(after),))


def verified(account: Account, fact: PayPalVerified, context: Context) -> Decision:
    """It is what it shall be: look once more, then switch."""
    migration = _current(account, fact, MigrationState.IMPORTED)
    if migration is None:
        return Applied()
    after = moved(migration, MigrationState.VERIFIED, context.now)
    return _moved(account, after, (step(after),))


def ready(account: Account, fact: PayPalReady, context: Context) -> Decision:
    """Charge by the new reference from now on; the collection method is derived anew and brought about.

    Not while a payment is in flight: then it is tried again a little later.
    """
    migration = _current(account, fact, MigrationState.VERIFIED)
    if migration is None:
        return Applied()
    method = _method(account, migration)
    if method is None:
        return gone_back(account, migration, NOT_IN_USE, context)
    if merged(account):
        return gone_back(account, migration, MERGED, context)
    if _leaving(account, method, fact):
        return gone_back(account, migration, LET_GO, context)
    if payment_in_flight(methods_of(account), subscriptions_of(account)):
        return Applied(effects=(step(migration, IN_FLIGHT_PAUSE),))
    switched = changed(
        method,
        context.now,
        details=fact.details,
        seen=seen(fact.seen),
        state=MethodState.ACTIVE,
        reason=None,
    )
    twins = _twins(account, method, fact)
    for twin in twins:
        switched = heir(switched, twin, context)
    ends = [ended(one, MethodState.DETACHED, TWICE, context.now, released=True) for one in twins]
    after = methods_of(account).put(*ends, switched)
    aligned = applied(account, after, context, effects=(align_stripe(), align_braintree()))
    switched_on = {"switched_on": context.now}
    return _with(account, moved(migration, MigrationState.SWITCHED, context.now, **switched_on), aligned)


def _twins(account: Account, method: PaymentMethod, fact: PayPalReady) -> list[PaymentMethod]:
    """Rows of the same agreement: it is charged as one method from now on, with what was said of each."""
    return [
        one
        for one in methods_of(account).methods.values()
        if one.id != method.id and not one.gone and one.details.reference == fact.details.reference
    ]


def _leaving(account: Account, method: PaymentMethod, fact: PayPalReady) -> bool:
    """Whether the token is another method's that was removed: it is about to be let go."""
    return any(
        one.id != method.id
        and one.gone
        and not one.released
        and one.details.reference == fact.details.reference
        for one in methods_of(account).methods.values()
    )


def charged(account: Account, fact: PayPalCharged, context: Context) -> Decision:
    """A payment went through with the new reference: the old one is not needed, and there is no way back, any more."""
    standing = migrations_of(account)
    back_again = {"charged": True, "turning": False, "asked_back": False}
    after = [
        moved(one, MigrationState.SWITCHED, context.now, **back_again)
        for one in standing.leading_to(fact.reference)
        if not one.charged and _charged_by_new(one, fact)
    ]
    if not after:
        return Applied()
    return Applied(
        {PAYPAL_MIGRATIONS: standing.put(*after)}, events=told(after), effects=tuple(map(step, after))
    )


def _charged_by_new(migration: Migration, fact: PayPalCharged) -> bool:
    """Whether the method was charged by the new reference then, and still is."""
    still = migration.state is MigrationState.SWITCHED or migration.turning
    since = migration.switched_on
    return still and since is not None and fact.charged_at >= _second(since)


def _second(moment: datetime) -> datetime:
    """Braintree tells whole seconds."""
    return moment.replace(microsecond=0)


def old_revoked(account: Account, fact: PayPalOldRevoked, context: Context) -> Decision:
    """One reference is left, and it is the right one."""
    migration = _current(account, fact, MigrationState.SWITCHED)
    if migration is None:
        return Applied()
    why = KEPT if fact.kept else None
    return _moved(account, moved(migration, MigrationState.OLD_REVOKED, context.now, why=why))


def turned_back(account: Account, fact: PayPalTurnedBack, context: Context) -> Decision:
    """The old reference is there to go back to: charge by it again, then let go what was made."""
    migration = _current(account, fact, MigrationState.ROLLING_BACK)
    if migration is None or not migration.turning:
        return Applied()
    after = moved(migration, MigrationState.ROLLING_BACK, context.now, turning=False)
    method = _method(account, migration)
    if method is None:
        return _moved(account, after, (step(after),))
    back = changed(method, context.now, details=migration.old)
    aligned = applied(
        account, methods_of(account).put(back), context, effects=(align_stripe(), align_braintree())
    )
    return _with(account, after, aligned, (step(after),))


def rolled_back(account: Account, fact: PayPalRolledBack, context: Context) -> Decision:
    """All is as it was. What went back by itself has failed, what support took back has not."""
    migration = _current(account, fact, MigrationState.ROLLING_BACK)
    if migration is None:
        return Applied()
    state = MigrationState.ROLLED_BACK if migration.asked_back else MigrationState.FAILED
    return _moved(account, moved(migration, state, context.now, turning=False))


def step_failed(account: Account, fact: PayPalStepFailed, context: Context) -> Decision:
    """It goes no further: what was made on the way is undone, and the method is charged as before.

    A way back that leads nowhere ends where it began.
    """
    migration = _current(account, fact, fact.state)
    if migration is None:
        return Applied()
    if fact.state in _UNDONE and migration.in_vault:
        return gone_back(account, migration, fact.why, context)
    if migration.turning:
        stays = {"turning": False, "asked_back": False, "why": fact.why}
        return _moved(account, moved(migration, MigrationState.SWITCHED, context.now, **stays))
    if fact.state in _UNDONE and fact.state is not MigrationState.SWITCHED:
        return gone_back(account, migration, fact.why, context)
    return _moved(account, moved(migration, MigrationState.FAILED, context.now, why=fact.why))


def gone_back(
    account: Account, migration: Migration, why: str, context: Context, *, asked: bool = False
) -> Applied:
    """The migration on its way back. A method that is charged by the new reference turns once the old one was seen."""
    ends: dict[str, Any] = {"why": why, "asked_back": asked, "awaited": False}
    if migration.new is None:
        return _moved(account, moved(migration, MigrationState.ROLLED_BACK, context.now, **ends))
    turning = migration.state is MigrationState.SWITCHED
    after = moved(migration, MigrationState.ROLLING_BACK, context.now, turning=turning, **ends)
    return _moved(account, after, (step(after),))


def came_late(account: Account, migration: Migration, context: Context) -> Applied:
    """What a migration that is over had asked for is there after all: it is let go."""
    after = moved(migration, MigrationState.ROLLING_BACK, context.now)
    return _moved(account, after, (step(after),))


def _current(account: Account, fact: _STEP | PayPalStepFailed, state: MigrationState) -> Migration | None:
    """The migration that a fact is about, if it still stands where the step began."""
    migration = migrations_of(account).rows.get((fact.method_id, fact.batch))
    return migration if migration is not None and migration.state is state else None


def _method(account: Account, migration: Migration) -> PaymentMethod | None:
    method = methods_of(account).methods.get(migration.method_id)
    return None if method is None or method.gone else method


def _moved(account: Account, after: Migration, effects: tuple[EffectRequest, ...] = ()) -> Applied:
    return _with(account, after, Applied(), effects)


def _with(
    account: Account, after: Migration, decision: Applied, effects: tuple[EffectRequest, ...] = ()
) -> Applied:
    """The decision with the migration moved."""
    return dataclass_replace(
        decision,
        changes={**decision.changes, PAYPAL_MIGRATIONS: migrations_of(account).put(after)},
        events=(*told((after,)), *decision.events),
        effects=(*decision.effects, *effects),
    )


_NEEDS: Final = (PAYMENT_METHODS, PAYPAL_MIGRATIONS, SUBSCRIPTIONS)
_ALONE: Final = (PAYPAL_MIGRATIONS,)

HANDLERS: Final = (
    Handler(PayPalExamined, examined, needs=_NEEDS),
    Handler(PayPalImportAwaited, import_awaited, needs=_ALONE),
    Handler(PayPalImported, imported, needs=_ALONE),
    Handler(PayPalVerified, verified, needs=_ALONE),
    Handler(PayPalReady, ready, needs=(*_NEEDS, STRIPE_CUSTOMER)),
    Handler(PayPalNeverKept, never_kept, needs=(PAYMENT_METHODS, PAYPAL_MIGRATIONS)),
    Handler(PayPalTurnedBack, turned_back, needs=(PAYMENT_METHODS, PAYPAL_MIGRATIONS)),
    Handler(PayPalCharged, charged, needs=_ALONE),
    Handler(PayPalOldRevoked, old_revoked, needs=_ALONE),
    Handler(PayPalRolledBack, rolled_back, needs=_ALONE),
    Handler(PayPalStepFailed, step_failed, needs=(PAYMENT_METHODS, PAYPAL_MIGRATIONS)),
)
