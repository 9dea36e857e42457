"""Accounts whose PayPal is not where it belongs, and the steps of its migration as Braintree would answer them."""

from typing import Any, Final

from handlers.payment_method import PAYMENT_METHODS as PART
from handlers.paypal_migration import NO_MIGRATIONS, PAYPAL_MIGRATIONS, Migration, Migrations
from tests.handlers.payment_worlds import event, linked, reading
from tests.handlers.worlds import World
from topics.message import Role
from topics.payment_methods import BraintreeMethodObserved, MethodDetails, MethodKind, Processor
from topics.paypal_migrations import (
    Brokenness,
    MigratePayPal,
    MigrationState,
    PayPalExamined,
    PayPalImported,
    PayPalReady,
    PayPalStepFailed,
    PayPalVerified,
    RollBackPayPalMigration,
)

BATCH: Final = "b" * 32
DRY: Final = "d" * 32
LEGACY: Final = "f28w"
NONCE: Final = "1b2c3d4e-0a1b-4c3d-8e9f-0123456789ab"
VERIFIED: Final = "verified"
CHARGED_AT: Final = reading(36_000).at
WHY: Final = "support asked"


def paypal(reference: str, **fields: Any) -> MethodDetails:
    """PayPal as an older system filed it."""
    given: dict[str, Any] = {
        "kind": MethodKind.PAYPAL,
        "payer_email": "payer@example.com",
        "agreement_id": "B-1",
        **fields,
    }
    return MethodDetails(processor=Processor.BRAINTREE, reference=reference, **given)


def with_legacy(reference: str = LEGACY, **fields: Any) -> tuple[World, str]:
    """An account whose PayPal was taken over from an older system, and the method's id."""
    world = linked()
    world.applied(
        BraintreeMethodObserved(reference=reference, seen=event(0), details=paypal(reference, **fields)),
        Role.SYSTEM,
    )
    (method_id,) = world.parts[PART].methods
    return world, method_id


def migrating(world: World, *, dry_run: bool = False, batch: str = BATCH) -> None:
    """A batch asks the account."""
    world.applied(MigratePayPal(batch=batch, dry_run=dry_run), Role.SYSTEM)


def migrations(world: World) -> Migrations:
    """The account's migrations."""
    found: Migrations = world.parts[PAYPAL_MIGRATIONS] or NO_MIGRATIONS
    return found


def migration(world: World, method_id: str) -> Migration:
    """The last one of a method."""
    return migrations(world).of_method(method_id)[0]


def found(method_id: str, *, batch: str = BATCH, **fields: Any) -> PayPalExamined:
    """The vault has it on another customer, unless `fields` say otherwise."""
    given: dict[str, Any] = {"broken": Brokenness.WRONG_CUSTOMER, "source": paypal(LEGACY), **fields}
    return PayPalExamined(method_id=method_id, batch=batch, **given)


def imported(method_id: str, reference: str | None = None, *, batch: str = BATCH) -> PayPalImported:
    """It is where it belongs, under the method's own id."""
    return PayPalImported(method_id=method_id, batch=batch, reference=reference or method_id)


def ready(method_id: str, reference: str | None = None, *, batch: str = BATCH) -> PayPalReady:
    """It was looked at once more."""
    return PayPalReady(
        method_id=method_id, batch=batch, details=paypal(reference or method_id), seen=reading(60)
    )


def moved_to(state: MigrationState, **of_examination: Any) -> tuple[World, str]:
    """An account whose one method has come so far on its way from another customer."""
    world, method_id = with_legacy()
    migrating(world)
    steps = (
        (MigrationState.EXAMINING, found(method_id, **of_examination)),
        (MigrationState.FOUND, imported(method_id)),
        (MigrationState.IMPORTED, PayPalVerified(method_id=method_id, batch=BATCH)),
        (MigrationState.VERIFIED, ready(method_id)),
    )
    for before, fact in steps:
        if migration(world, method_id).state is state:
            break
        assert migration(world, method_id).state is before
        world.applied(fact, Role.SYSTEM)
    assert migration(world, method_id).state is state
    return world, method_id


def verified(method_id: str, *, batch: str = BATCH) -> PayPalVerified:
    """The new reference was looked at from the outside."""
    return PayPalVerified(method_id=method_id, batch=batch)


def step_failed(method_id: str, state: MigrationState) -> PayPalStepFailed:
    """Braintree refused what the state asks for."""
    return PayPalStepFailed(method_id=method_id, batch=BATCH, state=state, why="Braintree: no.")


def back(method_id: str) -> RollBackPayPalMigration:
    """Support takes the last migration back."""
    return RollBackPayPalMigration(method_id=method_id, reason=WHY)


def kinds(decision: Any) -> list[str]:
    """What a decision owes."""
    return [effect.kind for effect in decision.effects]
