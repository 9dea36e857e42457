"""Messages about moving a PayPal method to where it belongs in Braintree's vault (DOMAIN.md 4, PayPal fix).

`found -> imported -> verified -> switched -> old revoked`, one step at a time: an effect does what a step needs at
Braintree, and a fact tells what came of it.
"""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, ClassVar, Final

from pydantic import AwareDatetime, Field

from topics.message import Command, Event, Fact
from topics.observation import Observation
from topics.payment_methods import MethodDetails, MethodId, MethodKind, Processor, Reference
from topics.paypal_batches import BatchId

Why = Annotated[str, Field(min_length=1, max_length=500)]


class MigrationState(StrEnum):
    """Where the migration of a method stands. `sound`: there is nothing to correct."""

    EXAMINING = "examining"
    SOUND = "sound"
    FOUND = "found"
    IMPORTED = "imported"
    VERIFIED = "verified"
    SWITCHED = "switched"
    OLD_REVOKED = "old_revoked"
    ROLLING_BACK = "rolling_back"
    ROLLED_BACK = "rolled_back"
    FAILED = "failed"


class Brokenness(StrEnum):
    """What is wrong with a method."""

    NONCE_AS_TOKEN = "nonce_as_token"  # noqa: S105 - no password
    """What is kept as its token is a nonce: good once, if ever, and not in the vault."""
    WRONG_CUSTOMER = "wrong_customer"
    """Its agreement hangs on another customer of Braintree than the account's."""
    DUNNED_AS_CARD = "dunned_as_card"
    """It is PayPal, but filed as a card, or subscriptions are collected as if it were one."""


class MigratePayPal(Command):
    """Look at each PayPal method of the account for a batch and, unless it is a dry run, correct it."""

    type: ClassVar = "billing.paypal-migrations.migrate.v1"
    batch: BatchId
    dry_run: bool = True


class ReviewPayPalMigrations(Command):
    """Look what Braintree has imported, and what a payment went through with: its old reference is let go then."""

    type: ClassVar = "billing.paypal-migrations.review.v1"


class RollBackPayPalMigration(Command):
    """Take the migration of a method back: its old reference is used again, and the new one is let go.

    It is that of `batch`, or the last one that changed something.
    """

    type: ClassVar = "billing.paypal-migrations.roll-back.v1"
    method_id: MethodId
    reason: Why
    batch: BatchId | None = None


class _Step(Fact):
    """What came of a step. It counts only while the migration is of that batch and stands where the step began."""

    method_id: MethodId
    batch: BatchId


class PayPalExamined(_Step):
    """What Braintree shows of a method. `source` is the agreement in its vault that is to be used or imported.

    `movable` of false: no agreement stands behind the method, so that its payer has to connect PayPal again.
    `in_vault`: the reference that the method has is a token there.
    """

    type: ClassVar = "billing.paypal-migrations.examined.v1"
    broken: Brokenness | None = None
    source: MethodDetails | None = None
    movable: bool = True
    in_vault: bool = True


class PayPalImportAwaited(_Step):
    """The agreement is not yet where it belongs: Braintree imports it there, which takes days."""

    type: ClassVar = "billing.paypal-migrations.import-awaited.v1"


class PayPalImported(_Step):
    """The agreement is where it belongs, under `reference`."""

    type: ClassVar = "billing.paypal-migrations.imported.v1"
    reference: Reference


class PayPalVerified(_Step):
    """The new reference shows the agreement of the old one, on the account's customer, and may be charged."""

    type: ClassVar = "billing.paypal-migrations.verified.v1"


class PayPalReady(_Step):
    """It was looked at once more: the method may be charged by its new reference from now on."""

    type: ClassVar = "billing.paypal-migrations.ready.v1"
    details: MethodDetails
    seen: Observation


class PayPalCharged(Fact):
    """A payment went through with a reference."""

    type: ClassVar = "billing.paypal-migrations.charged.v1"
    reference: Reference
    charged_at: AwareDatetime


class PayPalNeverKept(_Step):
    """No agreement stands behind the method after all: its payer has to connect PayPal again."""

    type: ClassVar = "billing.paypal-migrations.never-kept.v1"


class PayPalOldRevoked(_Step):
    """The old reference is not in the vault any more, and the new one is as it was.

    `kept`: it is still there, because another account pays with it.
    """

    type: ClassVar = "billing.paypal-migrations.old-revoked.v1"
    kept: bool = False


class PayPalTurnedBack(_Step):
    """The old reference is alive and nobody paid with the new one: the method may go back to it."""

    type: ClassVar = "billing.paypal-migrations.turned-back.v1"


class PayPalRolledBack(_Step):
    """What was made on the way is let go, or kept where it is all that is left of the agreement."""

    type: ClassVar = "billing.paypal-migrations.rolled-back.v1"


class PayPalStepFailed(_Step):
    """The step that begins in `state` will not go through. `why` is for support and has no personal data."""

    type: ClassVar = "billing.paypal-migrations.step-failed.v1"
    state: MigrationState
    why: Why


class PayPalMigrationMoved(Event):
    """The migration of a method stands elsewhere."""

    type: ClassVar = "billing.paypal-migrations.moved.v1"
    method_id: MethodId
    batch: BatchId
    state: MigrationState
    broken: Brokenness | None = None
    why: str | None = None
    version: int


MESSAGES = (
    MigratePayPal,
    ReviewPayPalMigrations,
    RollBackPayPalMigration,
    PayPalExamined,
    PayPalImportAwaited,
    PayPalImported,
    PayPalVerified,
    PayPalReady,
    PayPalCharged,
    PayPalNeverKept,
    PayPalOldRevoked,
    PayPalTurnedBack,
    PayPalRolledBack,
    PayPalStepFailed,
    PayPalMigrationMoved,
)

_METHOD: Final = "7d9e0c1b2a3f4e5d6c7b8a9f0e1d2c3b"
_BATCH: Final = "019ab0d26f2c7a318c1e3f5b1d2a9c44"
_MOMENT: Final = datetime(2026, 11, 24, 9, 30, 15, tzinfo=UTC)
_PAYPAL: Final = MethodDetails(
    processor=Processor.BRAINTREE,
    kind=MethodKind.PAYPAL,
    reference=_METHOD,
    payer_email="payer@example.com",
    agreement_id="B-7FB31251F28061234",
)

EXAMPLES = (
    MigratePayPal(batch=_BATCH),
    ReviewPayPalMigrations(),
    RollBackPayPalMigration(method_id=_METHOD, reason="the payer asked for it"),
    RollBackPayPalMigration(method_id=_METHOD, reason="the payer asked for it", batch=_BATCH),
    PayPalExamined(method_id=_METHOD, batch=_BATCH, broken=Brokenness.WRONG_CUSTOMER, source=_PAYPAL),
    PayPalImportAwaited(method_id=_METHOD, batch=_BATCH),
    PayPalImported(method_id=_METHOD, batch=_BATCH, reference=_METHOD),
    PayPalVerified(method_id=_METHOD, batch=_BATCH),
    PayPalReady(method_id=_METHOD, batch=_BATCH, details=_PAYPAL, seen=Observation(at=_MOMENT)),
    PayPalCharged(reference=_METHOD, charged_at=_MOMENT),
    PayPalNeverKept(method_id=_METHOD, batch=_BATCH),
    PayPalOldRevoked(method_id=_METHOD, batch=_BATCH),
    PayPalTurnedBack(method_id=_METHOD, batch=_BATCH),
    PayPalRolledBack(method_id=_METHOD, batch=_BATCH),
    PayPalStepFailed(
        method_id=_METHOD,
        batch=_BATCH,
        state=MigrationState.FOUND,
        why="Another account pays with the same agreement: a person has to say whose it is.",
    ),
    PayPalMigrationMoved(
        method_id=_METHOD,
        batch=_BATCH,
        state=MigrationState.SWITCHED,
        broken=Brokenness.WRONG_CUSTOMER,
        version=5,
    ),
)
