"""Decisions about the account itself: registration, type, flags, support's lock, erasure (DOMAIN.md 2)."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from handlers.account import Account, Part
from handlers.decision import Applied, Context, Decision, Refused
from handlers.dispatch import Handler, only_support
from topics.accounts import (
    AccountErased,
    AccountLocked,
    AccountOpened,
    AccountRegistered,
    AccountType,
    AccountTypeChanged,
    AccountUnlocked,
    ClearFlag,
    EraseAccount,
    Flag,
    FlagsChanged,
    LockAccount,
    SetAccountType,
    SetFlag,
    UnlockAccount,
)
from topics.codes import Code
from topics.value import value


@dataclass(frozen=True, slots=True)
class Lock:
    """Support closed the account: who, why, since when."""

    by: str
    reason: str
    since: datetime


@value
class AccountRecord:
    """The account's own row. `flags` is the bitmask; `version` counts the changes of this row.

    `erased_on`: what was known of it before is not to be known again, however late it is told.
    """

    type: AccountType
    flags: int
    version: int
    lock: Lock | None
    created_on: datetime
    edited_on: datetime
    erased_on: datetime | None = None


ACCOUNT: Final[Part[AccountRecord]] = Part("account")
_BAD_DEBT: Final = Flag.BAD_DEBT.value
"""A plain int: each `&` with an `IntFlag` looks its result up, for 2 us."""


def known(account: Account) -> AccountRecord:
    """The record of an account that the dispatcher has found to exist."""
    record = account.get(ACCOUNT)
    if record is None:
        raise LookupError("a handler of unknown accounts asked for the record")
    return record


def has_debt(account: Account) -> bool:
    """Whether bit 15, bad debt, is raised."""
    return bool(known(account).flags & _BAD_DEBT)


def flag_names(flags: int) -> list[str]:
    """The decoded names of the raised bits; reserved bits are called `bit_<n>`."""
    names = {flag.value: str(flag.name).lower() for flag in Flag}
    raised = (1 << position for position in range(flags.bit_length()) if flags >> position & 1)
    return [names.get(bit, f"bit_{bit.bit_length() - 1}") for bit in raised]


def version_conflict(expected: int | None, actual: int) -> Refused | None:
    """1311 when the caller decided on an older version than the one that holds."""
    if expected is None or expected == actual:
        return None
    return Refused(
        Code.VERSION_CONFLICT,
        f"It changed meanwhile: you expected version {expected}, it is {actual}. Read it again and retry.",
    )


def _changed(record: AccountRecord, context: Context, **fields: object) -> AccountRecord:
    return replace(record, version=record.version + 1, edited_on=context.now, **fields)  # type: ignore[arg-type]


def _view(record: AccountRecord) -> dict[str, object]:
    return {
        "account_type": record.type.value,
        "flags": record.flags,
        "flag_names": flag_names(record.flags),
        "locked": record.lock is not None,
        "version": record.version,
    }


def register(account: Account, fact: AccountRegistered, context: Context) -> Decision:
    """Open the account once; an account that is open stays as it is."""
    if account.get(ACCOUNT) is not None:
        return Applied(result=_view(known(account)))
    record = AccountRecord(fact.account_type, 0, 1, None, context.now, context.now)
    opened = AccountOpened(account_type=fact.account_type, version=1)
    return Applied({ACCOUNT: record}, events=(opened,), result=_view(record))


def set_type(account: Account, command: SetAccountType, context: Context) -> Decision:
    """Change how the account is treated."""
    record = known(account)
    if conflict := version_conflict(command.expected_version, record.version):
        return conflict
    if record.type is command.account_type:
        return Applied(result=_view(record))
    after = _changed(record, context, type=command.account_type)
    event = AccountTypeChanged(before=record.type, after=after.type, version=after.version)
    return Applied({ACCOUNT: after}, events=(event,), result=_view(after))


def set_flag(account: Account, command: SetFlag, context: Context) -> Decision:
    """Raise one bit."""
    bit = Flag[command.flag.upper()]
    return _set_flags(account, known(account).flags | bit, command.expected_version, context)


def clear_flag(account: Account, command: ClearFlag, context: Context) -> Decision:
    """Lower one bit; the others, reserved ones too, stay."""
    bit = Flag[command.flag.upper()]
    return _set_flags(account, known(account).flags & ~bit.value, command.expected_version, context)


def _set_flags(account: Account, flags: int, expected: int | None, context: Context) -> Decision:
    record = known(account)
    if conflict := version_conflict(expected, record.version):
        return conflict
    if flags == record.flags:
        return Applied(result=_view(record))
    after = _changed(record, context, flags=int(flags))
    event = FlagsChanged(before=record.flags, after=after.flags, version=after.version)
    return Applied({ACCOUNT: after}, events=(event,), result=_view(after))


def lock(account: Account, command: LockAccount, context: Context) -> Decision:
    """Close the account to everybody but support. Locking again keeps the first lock's reason."""
    if refused := only_support(context.actor, "lock an account"):
        return refused
    record = known(account)
    if record.lock is not None:
        return Applied(result=_view(record))
    after = _changed(record, context, lock=Lock(context.actor.id, command.reason, context.now))
    event = AccountLocked(reason=command.reason, version=after.version)
    return Applied({ACCOUNT: after}, events=(event,), result=_view(after))


def unlock(account: Account, command: UnlockAccount, context: Context) -> Decision:
    """Open the account again."""
    if refused := only_support(context.actor, "unlock an account"):
        return refused
    record = known(account)
    if record.lock is None:
        return Applied(result=_view(record))
    after = _changed(record, context, lock=None)
    event = AccountUnlocked(reason=command.reason, version=after.version)
    return Applied({ACCOUNT: after}, events=(event,), result=_view(after))


def erase(account: Account, command: EraseAccount, context: Context) -> Decision:
    """Scrub the journal's bodies; the profile's fields go with it (handlers/profiles.py joins in)."""
    if refused := only_support(context.actor, "erase an account"):
        return refused
    record = known(account)
    after = _changed(record, context, erased_on=context.now)
    return Applied(
        {ACCOUNT: after},
        events=(AccountErased(version=after.version),),
        result={"erased": True, "version": after.version},
        forget=True,
    )


HANDLERS: Final = (
    Handler(AccountRegistered, register, unknown_account=True),
    Handler(SetAccountType, set_type),
    Handler(SetFlag, set_flag),
    Handler(ClearFlag, clear_flag),
    Handler(LockAccount, lock),
    Handler(UnlockAccount, unlock),
)
