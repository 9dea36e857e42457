"""Decisions about a batch of PayPal migrations: begun once, stopped and gone on with (DOMAIN.md 4, PayPal fix)."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from handlers.account import Account, Part
from handlers.decision import Applied, Context, Decision, Refused
from handlers.dispatch import Handler
from topics.codes import Code
from topics.limits import ID_MAX_AGE
from topics.paypal_batches import PayPalBatchChanged, ResumePayPalBatch, StartPayPalBatch, StopPayPalBatch
from topics.value import value

LIFE: Final = ID_MAX_AGE - timedelta(days=1)
"""How long a batch may go on: the ids of its commands have the time of its beginning."""


@value
class PayPalBatch:
    """What was asked for, and whether it was stopped. `reason` is that of the last change."""

    dry_run: bool
    after: str | None
    accounts: tuple[str, ...]
    cap: int
    asked_by: str
    reason: str
    stopped: bool
    version: int
    created_on: datetime
    edited_on: datetime


PAYPAL_BATCH: Final[Part[PayPalBatch]] = Part("paypal_batch")


def start(account: Account, command: StartPayPalBatch, context: Context) -> Decision:
    """Begin a batch under its id. One that changes something comes after a dry run."""
    if (standing := account.get(PAYPAL_BATCH)) is not None:
        return Applied(result=view(account.id, standing))
    if not command.dry_run and command.after is None:
        return Refused(Code.INVALID, "Do a dry run first, then name it in `after`.")
    batch = PayPalBatch(
        dry_run=command.dry_run,
        after=command.after,
        accounts=tuple(sorted(set(command.accounts))),
        cap=command.cap,
        asked_by=context.actor.id,
        reason=command.reason,
        stopped=False,
        version=1,
        created_on=context.now,
        edited_on=context.now,
    )
    return _changed(account, batch)


def stop(account: Account, command: StopPayPalBatch, context: Context) -> Decision:
    """Go no further. What is under way stays where it is, and both of its references are kept."""
    return _switched(account, command.reason, context, stopped=True)


def resume(account: Account, command: ResumePayPalBatch, context: Context) -> Decision:
    """Go on where it stood. Refused (1311) once the ids of its commands would be too old to be believed."""
    batch = account.get(PAYPAL_BATCH)
    if batch is not None and context.now - batch.created_on > LIFE:
        return Refused(
            Code.VERSION_CONFLICT, "The batch is too old to go on. Begin a new one with a dry run."
        )
    return _switched(account, command.reason, context, stopped=False)


def _switched(account: Account, reason: str, context: Context, *, stopped: bool) -> Decision:
    batch = account.get(PAYPAL_BATCH)
    if batch is None:
        return Refused(Code.NOT_FOUND, "There is no such batch.")
    if batch.stopped is stopped:
        return Applied(result=view(account.id, batch))
    version = batch.version + 1
    return _changed(
        account, replace(batch, stopped=stopped, reason=reason, version=version, edited_on=context.now)
    )


def _changed(account: Account, batch: PayPalBatch) -> Applied:
    event = PayPalBatchChanged(
        dry_run=batch.dry_run, stopped=batch.stopped, reason=batch.reason, version=batch.version
    )
    return Applied({PAYPAL_BATCH: batch}, events=(event,), result=view(account.id, batch))


def view(batch_id: str, batch: PayPalBatch) -> dict[str, Any]:
    """What a caller is told of it, JSON-ready."""
    return {
        "id": batch_id,
        "dry_run": batch.dry_run,
        "after": batch.after,
        "cap": batch.cap,
        "reason": batch.reason,
        "asked_by": batch.asked_by,
        "stopped": batch.stopped,
        "version": batch.version,
    }


HANDLERS: Final = (
    Handler(StartPayPalBatch, start, needs=(PAYPAL_BATCH,), unknown_account=True),
    Handler(StopPayPalBatch, stop, needs=(PAYPAL_BATCH,), unknown_account=True),
    Handler(ResumePayPalBatch, resume, needs=(PAYPAL_BATCH,), unknown_account=True),
)
