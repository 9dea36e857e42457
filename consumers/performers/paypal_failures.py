"""Why a step of a PayPal migration will not go through, in words for support and without personal data."""

from typing import Final

from handlers.paypal_migration import Migration
from topics.paypal_migrations import PayPalStepFailed

SHARED: Final = "Another account pays with the same agreement: a person has to say whose it is."
FOREIGN: Final = "The vault has it on another customer than the account's."
GONE: Final = "It is not in the vault any more."
OTHER_AGREEMENT: Final = "The vault shows another agreement under the new token."
AMBIGUOUS: Final = "Several agreements of the account could be meant: a person has to say which."
NOTHING_TO_GO_BACK_TO: Final = (
    "The old token can't be charged any more, so the method stays with the new one."
)


def failed(migration: Migration, why: str) -> PayPalStepFailed:
    """The step before which the migration stands will not go through."""
    return PayPalStepFailed(
        method_id=migration.method_id, batch=migration.batch, state=migration.state, why=why[:500]
    )
