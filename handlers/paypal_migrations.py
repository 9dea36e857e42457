"""Decisions about moving a PayPal method in Braintree's vault, one step at a time (DOMAIN.md 4, PayPal fix).

Nothing is charged, and nothing is let go that could still be needed: the old reference stays until a payment went
through with the new one.
"""

from dataclasses import replace as dataclass_replace
from typing import Final

from handlers.account import Account
from handlers.decision import Applied, Context, Decision, Refused
from handlers.dispatch import Handler, only_support
from handlers.payment_method import PAYMENT_METHODS, PaymentMethod, methods_of
from handlers.payment_methods import erase as erase_payment_methods
from handlers.payment_rules import merged
from handlers.paypal_migration import (
    PAYPAL_MIGRATIONS,
    TAKEN_BACK,
    UNCHANGED,
    Migration,
    Migrations,
    migrations_of,
    moved,
    step,
    told,
)
from handlers.paypal_steps import HANDLERS as STEPS
from handlers.paypal_steps import TWICE, gone_back
from handlers.profiles import PROFILE
from handlers.stripe_customers import STRIPE_CUSTOMER
from topics.accounts import EraseAccount
from topics.codes import Code
from topics.payment_methods import MethodDetails, MethodState, Processor
from topics.paypal_migrations import (
    MigratePayPal,
    MigrationState,
    ReviewPayPalMigrations,
    RollBackPayPalMigration,
)

_KEPT: Final = frozenset({MigrationState.IMPORTED, MigrationState.VERIFIED, MigrationState.SWITCHED})
_USABLE: Final = frozenset({MethodState.ACTIVE, MethodState.EXPIRED})


def migrate(account: Account, command: MigratePayPal, context: Context) -> Decision:
    """Begin to look at each method that Braintree keeps. What another batch has in hand is left to it."""
    if refused := merged(account):
        return refused
    standing = migrations_of(account)
    begun = [
        _begun(method, command, context)
        for method in methods_of(account).methods.values()
        if _concerned(method, standing, command)
    ]
    result = {"methods": sorted(one.method_id for one in begun)}
    if not begun:
        return Applied(result=result)
    return Applied(
        {PAYPAL_MIGRATIONS: standing.put(*begun)},
        events=told(begun),
        effects=tuple(map(step, begun)),
        result=result,
    )


def _concerned(method: PaymentMethod, standing: Migrations, command: MigratePayPal) -> bool:
    if method.details.processor is not Processor.BRAINTREE or method.state not in _USABLE:
        return False
    return not standing.in_hand(method.id) and (method.id, command.batch) not in standing.rows


def _begun(method: PaymentMethod, command: MigratePayPal, context: Context) -> Migration:
    return Migration(
        method_id=method.id,
        batch=command.batch,
        dry_run=command.dry_run,
        state=MigrationState.EXAMINING,
        old=method.details,
        version=1,
        began_on=context.now,
        edited_on=context.now,
    )


def review(account: Account, command: ReviewPayPalMigrations, context: Context) -> Decision:
    """Have those looked at that wait for Braintree's import, or for their first payment."""
    waiting = migrations_of(account).waiting
    return Applied(effects=tuple(map(step, waiting)), result={"methods": len(waiting)})


def roll_back(account: Account, command: RollBackPayPalMigration, context: Context) -> Decision:
    """Go back to the old reference. Refused once a payment went through with the new one (1311)."""
    if refused := only_support(context.actor, "take a migration back"):
        return refused
    migration = _meant(migrations_of(account), command)
    if migration is None or migration.dry_run:
        return Refused(Code.NOT_FOUND, "There is no migration of such a payment method.")
    result = {"method_id": migration.method_id}
    if migration.state in (MigrationState.ROLLING_BACK, MigrationState.ROLLED_BACK):
        return Applied(result=result)
    if why := _in_the_way(account, migration) or _one_way(migration):
        return Refused(Code.VERSION_CONFLICT, f"{why} The method stays as it is.")
    decision = gone_back(account, migration, command.reason, context, asked=True)
    return dataclass_replace(decision, result=result)


def _meant(standing: Migrations, command: RollBackPayPalMigration) -> Migration | None:
    if command.batch is None:
        return standing.changing(command.method_id)
    return standing.rows.get((command.method_id, command.batch))


def _in_the_way(account: Account, migration: Migration) -> str | None:
    """What came after the migration and does not go back with it."""
    if migrations_of(account).built_on(migration):
        return "A later batch changed the method or is about to: take that one back first."
    method = methods_of(account).methods.get(migration.method_id)
    if method is not None and method.reason == TWICE:
        return "The method has become one with another of the same agreement."
    return None


def _one_way(migration: Migration) -> str | None:
    """Why there is nothing to go back to."""
    if migration.state in UNCHANGED:
        return "The migration changed nothing."
    if migration.state is MigrationState.OLD_REVOKED:
        return "The old reference is not in the vault any more."
    if migration.charged:
        return "A payment went through with the new reference."
    if migration.state in _KEPT and not migration.in_vault:
        return "The old reference never could be charged."
    return None


def erase(account: Account, command: EraseAccount, context: Context) -> Decision:
    """The migrations' part in an erasure: nothing of the payer is kept, and old references are let go."""
    decision = erase_payment_methods(account, command, context)
    standing = migrations_of(account)
    if not isinstance(decision, Applied) or not standing.rows:
        return decision
    bare = [_bare(one, _erased(one), context) for one in standing.rows.values()]
    return dataclass_replace(
        decision,
        changes={**decision.changes, PAYPAL_MIGRATIONS: standing.put(*bare)},
        effects=(*decision.effects, *(step(one) for one in bare if not one.over)),
    )


def _erased(one: Migration) -> MigrationState:
    """What was made for a migration that is over may be in the vault: it is looked at once more."""
    left = one.made and not one.dry_run and one.state in TAKEN_BACK
    return MigrationState.ROLLING_BACK if left else one.state


def _bare(one: Migration, state: MigrationState, context: Context) -> Migration:
    return moved(
        one,
        state,
        context.now,
        old=_stripped(one.old),
        source=_stripped(one.source) if one.source else None,
    )


def _stripped(details: MethodDetails) -> MethodDetails:
    return MethodDetails(processor=details.processor, kind=details.kind, reference=details.reference)


HANDLERS: Final = (
    Handler(MigratePayPal, migrate, needs=(PAYMENT_METHODS, PAYPAL_MIGRATIONS, STRIPE_CUSTOMER)),
    Handler(ReviewPayPalMigrations, review, needs=(PAYPAL_MIGRATIONS,)),
    Handler(RollBackPayPalMigration, roll_back, needs=(PAYMENT_METHODS, PAYPAL_MIGRATIONS)),
    Handler(EraseAccount, erase, needs=(PROFILE, PAYMENT_METHODS, PAYPAL_MIGRATIONS, STRIPE_CUSTOMER)),
    *STEPS,
)
