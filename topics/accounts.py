"""Messages about the account itself: registration, type, flags, the lock of support, erasure."""

from enum import IntFlag, StrEnum
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from topics.message import Command, Event, Fact


class AccountType(StrEnum):
    """What an account is treated as (DOMAIN.md 2)."""

    PAY_GO = "pay_go"
    STARTUP = "startup"
    EMPLOYEE = "employee"
    PARTNER_PAY_GO = "partner_pay_go"
    ENTERPRISE = "enterprise"
    PARTNER_BASIC = "partner_basic"
    PARTNER_ENT = "partner_ent"
    MSP = "msp"
    SPONSORED = "sponsored"
    CHINA = "china"


class Flag(IntFlag):
    """Bits of an account's status; all others are reserved."""

    BAD_DEBT = 1 << 15


FlagName = Literal["bad_debt"]
Reason = Annotated[str, Field(min_length=1, max_length=500)]
Version = Annotated[int, Field(ge=1, le=2**31 - 1)]


class AccountRegistered(Fact):
    """Upstream opened an account. Repeating it changes nothing."""

    type: ClassVar = "billing.accounts.registered.v1"
    account_type: AccountType


class SetAccountType(Command):
    """Treat the account as another type. `expected_version` guards against a concurrent change."""

    type: ClassVar = "billing.accounts.set-type.v1"
    account_type: AccountType
    expected_version: Version | None = None


class SetFlag(Command):
    """Raise one status flag."""

    type: ClassVar = "billing.accounts.set-flag.v1"
    flag: FlagName
    expected_version: Version | None = None


class ClearFlag(Command):
    """Lower one status flag."""

    type: ClassVar = "billing.accounts.clear-flag.v1"
    flag: FlagName
    expected_version: Version | None = None


class LockAccount(Command):
    """Support closes the account to everybody's commands but its own."""

    type: ClassVar = "billing.accounts.lock.v1"
    reason: Reason


class UnlockAccount(Command):
    """Support opens the account again."""

    type: ClassVar = "billing.accounts.unlock.v1"
    reason: Reason


class EraseAccount(Command):
    """Scrub personal data from the profile, the journal and Stripe; keep the accounting facts (GDPR 17)."""

    type: ClassVar = "billing.accounts.erase.v1"
    reason: Reason


class AccountOpened(Event):
    """An account is known here from now on."""

    type: ClassVar = "billing.accounts.opened.v1"
    account_type: AccountType
    version: int


class AccountTypeChanged(Event):
    """The account is treated differently from now on."""

    type: ClassVar = "billing.accounts.type-changed.v1"
    before: AccountType
    after: AccountType
    version: int


class FlagsChanged(Event):
    """The status bits changed; both values are the whole bitmask."""

    type: ClassVar = "billing.accounts.flags-changed.v1"
    before: int
    after: int
    version: int


class AccountLocked(Event):
    """Support closed the account."""

    type: ClassVar = "billing.accounts.locked.v1"
    reason: str
    version: int


class AccountUnlocked(Event):
    """Support opened the account."""

    type: ClassVar = "billing.accounts.unlocked.v1"
    reason: str
    version: int


class AccountErased(Event):
    """Personal data of the account is gone; downstream must drop its copies too."""

    type: ClassVar = "billing.accounts.erased.v1"
    version: int


MESSAGES = (
    AccountRegistered,
    SetAccountType,
    SetFlag,
    ClearFlag,
    LockAccount,
    UnlockAccount,
    EraseAccount,
    AccountOpened,
    AccountTypeChanged,
    FlagsChanged,
    AccountLocked,
    AccountUnlocked,
    AccountErased,
)

EXAMPLES = (
    AccountRegistered(account_type=AccountType.PAY_GO),
    SetAccountType(account_type=AccountType.ENTERPRISE, expected_version=3),
    SetFlag(flag="bad_debt"),
    ClearFlag(flag="bad_debt", expected_version=4),
    LockAccount(reason="Chargeback under review"),
    UnlockAccount(reason="Review closed"),
    EraseAccount(reason="Request of the customer"),
    AccountOpened(account_type=AccountType.PAY_GO, version=1),
    AccountTypeChanged(before=AccountType.PAY_GO, after=AccountType.ENTERPRISE, version=4),
    FlagsChanged(before=0, after=32768, version=5),
    AccountLocked(reason="Chargeback under review", version=6),
    AccountUnlocked(reason="Review closed", version=7),
    AccountErased(version=8),
)
