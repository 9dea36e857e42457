"""Messages about a batch of PayPal migrations: which accounts, how many, and who stopped it (DOMAIN.md 4).

A batch is an aggregate of its own: its id stands where other messages have the account's, so that its commands are
in order, idempotent and journaled like all others.
"""

from typing import Annotated, ClassVar, Final

from pydantic import Field

from topics.ids import ACCOUNT_ID_PATTERN
from topics.message import Command, Event

MOST_ACCOUNTS: Final = 1_000
MOST: Final = 100_000
BatchId = Annotated[str, Field(pattern=ACCOUNT_ID_PATTERN)]
AccountIds = Annotated[
    tuple[Annotated[str, Field(pattern=ACCOUNT_ID_PATTERN)], ...], Field(max_length=MOST_ACCOUNTS)
]
Reason = Annotated[str, Field(min_length=1, max_length=500)]


class StartPayPalBatch(Command):
    """Look at PayPal methods and, unless it is a dry run, correct what is wrong with them.

    `accounts` names up to a thousand; none names all that have anything in Braintree's vault. A run that changes
    something comes `after` a dry run and is about what that one found. `cap` bounds the accounts of the run.
    """

    type: ClassVar = "billing.paypal-batches.start.v1"
    dry_run: bool = True
    after: BatchId | None = None
    accounts: AccountIds = ()
    cap: Annotated[int, Field(ge=1, le=MOST)] = 100
    reason: Reason


class StopPayPalBatch(Command):
    """Let the batch go no further: nothing new is begun, and what is under way stays where it is."""

    type: ClassVar = "billing.paypal-batches.stop.v1"
    reason: Reason


class ResumePayPalBatch(Command):
    """Let a batch that was stopped go on."""

    type: ClassVar = "billing.paypal-batches.resume.v1"
    reason: Reason


class PayPalBatchChanged(Event):
    """A batch began, was stopped, or goes on."""

    type: ClassVar = "billing.paypal-batches.changed.v1"
    dry_run: bool
    stopped: bool
    reason: Reason
    version: int


MESSAGES = (StartPayPalBatch, StopPayPalBatch, ResumePayPalBatch, PayPalBatchChanged)

EXAMPLES = (
    StartPayPalBatch(reason="ticket 4711"),
    StopPayPalBatch(reason="too many are refused"),
    ResumePayPalBatch(reason="Braintree corrected its import"),
    PayPalBatchChanged(dry_run=True, stopped=False, reason="ticket 4711", version=1),
)
