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
    Migration,
    migrations_of,
    moved,
    step,
    told,
)
from handlers.paypal_steps import HANDLERS as STEPS
from handlers.paypal_steps import gone_back
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

_USABLE: Final = frozenset({MethodState.ACTIVE, MethodState.EXPIRED})
_WAY_BACK: Final = frozenset(
    {MigrationState.IMPORTED, MigrationState.VERIFIED, MigrationState.SWITCHED, MigrationState.ROLLING_BACK}
)


def migrate(account: Account, command: MigratePayPal, context: Context) -> Decision:
    """Begin to look at each method that Braintree keeps. What another batch has begun is left to it."""
    if refused := merged(account):
        return refused
    standing = migrations_of(account)
    begun = [
        _begun(method, standing.by_method.get(method.id), command, context)
        for method in methods_of(account).methods.values()
        if _concerned(method, standing.by_method.get(method.id), command)
    ]
    after = standing.put(*begun)
    result = {"methods": sorted(one.method_id for one in begun)}
    if not begun:
        return Applied(result=result)
    return Applied(
        {PAYPAL_MIGRATIONS: after},
        events=told(begun),
        effects=tuple(step(one.method_id) for one in begun),
        result=result,
    )


def _concerned(method: PaymentMethod, standing: Migration | None, command: MigratePayPal) -> bool:
    if method.details.processor is not Processor.BRAINTREE or method.state not in _USABLE:
        return False
    if standing is None:
        return True
    return standing.over and standing.batch != command.batch


def _begun(
    method: PaymentMethod, standing: Migration | None, command: MigratePayPal, context: Context
) -> Migration:
    return Migration(
        method_id=method.id,
        batch=command.batch,
        dry_run=command.dry_run,
        state=MigrationState.EXAMINING,
        old=method.details,
        version=standing.version + 1 if standing else 1,
        began_on=context.now,
        edited_on=context.now,
    )


def review(account: Account, command: ReviewPayPalMigrations, context: Context) -> Decision:
    """Have those looked at that wait for Braintree's import, or for their first payment."""
    waiting = [one for one in migrations_of(account).by_method.values() if one.waits]
    return Applied(effects=tuple(step(one.method_id) for one in waiting), result={"methods": len(waiting)})


def roll_back(account: Account, command: RollBackPayPalMigration, context: Context) -> Decision:
    """Go back to the old reference. Refused once a payment went through with the new one (1311)."""
    if refused := only_support(context.actor, "take a migration back"):
        return refused
    migration = migrations_of(account).by_method.get(command.method_id)
    if migration is None:
        return Refused(Code.NOT_FOUND, "There is no migration of such a payment method.")
    result = {"method_id": migration.method_id}
    if migration.over and migration.state is not MigrationState.SWITCHED:
        if migration.state is MigrationState.OLD_REVOKED:
            return _no_way_back("The old reference is not in the vault any more.")
        return Applied(result=result)
    if migration.charged:
        return _no_way_back("A payment went through with the new reference.")
    if migration.state is MigrationState.SWITCHED and not migration.in_vault:
        return _no_way_back("The old reference never could be charged.")
    decision = gone_back(account, migration, command.reason, context, asked=True)
    return dataclass_replace(decision, result=result)


def _no_way_back(why: str) -> Refused:
    return Refused(Code.VERSION_CONFLICT, f"{why} The method stays as it is.")


def erase(account: Account, command: EraseAccount, context: Context) -> Decision:
    """The migrations' part in an erasure: nothing of the payer is kept, and old references are let go."""
    decision = erase_payment_methods(account, command, context)
    standing = migrations_of(account)
    if not isinstance(decision, Applied) or not standing.by_method:
        return decision
    bare = [_bare(one, context) for one in standing.by_method.values()]
    owed = tuple(step(one.method_id) for one in bare if not one.over or one.state in _WAY_BACK)
    return dataclass_replace(
        decision,
        changes={**decision.changes, PAYPAL_MIGRATIONS: standing.put(*bare)},
        effects=(*decision.effects, *owed),
    )


def _bare(one: Migration, context: Context) -> Migration:
    return moved(
        one,
        one.state,
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
