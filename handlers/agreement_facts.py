"""What was observed of PayPal agreements in Braintree's vault: kept, revoked, gone, or never known (DESIGN.md 4)."""

from dataclasses import replace
from typing import Final

from handlers.account import Account
from handlers.decision import Applied, Context, Decision
from handlers.dispatch import Handler
from handlers.ordering import seen
from handlers.payment_changes import applied
from handlers.payment_effects import read_braintree
from handlers.payment_facts import found_there, mirrored
from handlers.payment_method import PAYMENT_METHODS, PaymentMethod, changed, ended, methods_of, vaulted_id_of
from handlers.paypal_migration import PAYPAL_MIGRATIONS, TAKEN_BACK, Migration, is_nonce, migrations_of
from handlers.paypal_steps import MISSING, came_late, gone_back
from topics.payment_methods import (
    BraintreeMethodObserved,
    MethodDetails,
    MethodKind,
    MethodState,
    Processor,
)
from topics.paypal_migrations import MigrationState

REVOKED: Final = "The PayPal agreement was revoked at PayPal. Connect PayPal again to pay with it."
DELETED: Final = "It is not in Braintree's vault any more."


def braintree_observed(account: Account, fact: BraintreeMethodObserved, context: Context) -> Decision:
    """An agreement as Braintree shows it: revoked and gone are final, whatever comes late.

    What was never a token can't have gone from the vault: a migration looks for the agreement behind it.
    """
    method = methods_of(account).referred(fact.reference)
    if method is None:
        return _unknown_agreement(account, fact, context)
    if method.details.processor is not Processor.BRAINTREE or (fact.gone and is_nonce(fact.reference)):
        return Applied()
    if method.gone:
        return _after_its_end(account, method, fact, context)
    if fact.gone and (migration := _reversible(account, method)):
        return gone_back(account, migration, MISSING, context)
    over = fact.revoked or fact.gone
    found = seen(fact.seen, rank=int(over), final=over)
    if over:
        state = MethodState.DETACHED if fact.gone else MethodState.REVOKED
        reason = DELETED if fact.gone else REVOKED
        gone = ended(method, state, reason, context.now, released=fact.gone, seen=found)
        return applied(account, methods_of(account).put(gone), context)
    if fact.details is None or method.state is MethodState.PENDING_SETUP:
        return Applied()
    return mirrored(account, method, fact.details, found, context)


def _reversible(account: Account, method: PaymentMethod) -> Migration | None:
    """The migration that gave a method its token and kept the old one, as nobody has paid with the new one yet."""
    found = migrations_of(account).leading_to(method.details.reference)
    return next(
        (
            one
            for one in found
            if one.method_id == method.id
            and one.state is MigrationState.SWITCHED
            and one.in_vault
            and not one.charged
        ),
        None,
    )


def _after_its_end(
    account: Account, method: PaymentMethod, fact: BraintreeMethodObserved, context: Context
) -> Decision:
    """Whether the vault keeps the token of a tombstone: then it is let go (once more).

    One that was never shown there may come late, by a request whose outcome nobody learned. That its payer revoked
    it is why it is gone, whichever is told first.
    """
    kept = fact.details is not None and not fact.revoked
    after = method
    if fact.revoked and method.reason == DELETED:
        after = replace(after, state=MethodState.REVOKED, reason=REVOKED)
    if (kept and method.released) or (fact.gone and not method.released):
        after = replace(after, released=fact.gone)
    return applied(account, methods_of(account).put(changed(after, context.now)), context)


def _unknown_agreement(account: Account, fact: BraintreeMethodObserved, context: Context) -> Decision:
    """One that is in the account's vault and in none of our rows, as after a restored backup, is the account's.

    A revoked one is a tombstone from the beginning, which is let go, and which nothing late brings to life.

    The second token of an agreement that was moved is none, and neither is what a method of ours was called before.
    """
    if migration := migrations_of(account).of_reference(fact.reference):
        return _of_a_migration(account, migration, fact, context)
    if vaulted_id_of(fact.reference) in methods_of(account).methods:
        return Applied()
    details = fact.details or MethodDetails(
        processor=Processor.BRAINTREE, kind=MethodKind.PAYPAL, reference=fact.reference
    )
    if fact.gone or not (fact.details or fact.revoked) or details.reference != fact.reference:
        return Applied()
    found = seen(fact.seen, rank=int(fact.revoked), final=fact.revoked)
    fresh = found_there(account, vaulted_id_of(fact.reference), details, found, context)
    if fact.revoked:
        fresh = replace(fresh, state=MethodState.REVOKED, reason=REVOKED, released=False)
    return applied(account, methods_of(account).put(fresh), context)


def _of_a_migration(
    account: Account, migration: Migration, fact: BraintreeMethodObserved, context: Context
) -> Decision:
    """Word of the end of one token is a reason to look at the other; what came too late to be used is let go.

    Not while another batch has the method in hand, which may be what it was imported for.
    """
    other = next(iter(migration.references - {fact.reference}), None)
    if fact.revoked:
        return Applied(effects=(read_braintree(other),) if other else ())
    late = migration.made and migration.new == fact.reference and migration.state in TAKEN_BACK
    if fact.gone or not late or migrations_of(account).in_hand(migration.method_id):
        return Applied()
    return came_late(account, migration, context)


HANDLERS: Final = (
    Handler(BraintreeMethodObserved, braintree_observed, needs=(PAYMENT_METHODS, PAYPAL_MIGRATIONS)),
)
