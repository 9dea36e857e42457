"""Messages by which an operator moves on an account whose commands are parked."""

from typing import ClassVar
from uuid import UUID

from topics.accounts import Reason
from topics.message import Command


class ReleaseParked(Command):
    """Apply the account's parked commands again, in their order."""

    type: ClassVar = "billing.parking.release.v1"
    reason: Reason


class DiscardParked(Command):
    """Give up one parked command: it becomes a dead letter and an outcome, the others stay parked."""

    type: ClassVar = "billing.parking.discard.v1"
    command_id: UUID
    reason: Reason


MESSAGES = (ReleaseParked, DiscardParked)

EXAMPLES = (
    ReleaseParked(reason="Fixed in the release of today"),
    DiscardParked(
        command_id=UUID("019ab0d2-6f2c-7a31-8c1e-3f5b1d2a9c44"), reason="Sent again by hand under another id"
    ),
)
