"""The account itself: opened once, treated by its type, flagged, locked by support, erased."""

import pytest

from handlers.accounts import ACCOUNT, flag_names
from handlers.decision import Applied, Refused
from handlers.profiles import NOTHING
from tests.handlers.worlds import US, World, registered, with_profile
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
    FlagsChanged,
    LockAccount,
    SetAccountType,
    SetFlag,
    UnlockAccount,
)
from topics.codes import Code
from topics.message import Message, Role
from topics.profiles import CreateProfile, DeleteProfile, ProfileDeleted

REGISTERED = AccountRegistered(account_type=AccountType.PAY_GO)
LOCK = LockAccount(reason="fraud review")
UNLOCK = UnlockAccount(reason="all is well")
ERASE = EraseAccount(reason="request of the customer")


@pytest.mark.parametrize(
    "message", [SetFlag(flag="bad_debt"), CreateProfile(**US), DeleteProfile(), LOCK, ERASE]
)
def test_nothing_is_decided_about_an_account_that_nobody_registered(message: Message) -> None:
    refused = World().refused(message, Role.SUPPORT)
    assert (refused.code, refused.message) == (Code.NOT_FOUND, "There is no such account.")


def test_an_account_is_opened_once() -> None:
    world = World()
    assert world.applied(REGISTERED).events == (AccountOpened(account_type=AccountType.PAY_GO, version=1),)
    again = world.applied(AccountRegistered(account_type=AccountType.CHINA))
    assert (again.changes, again.events) == ({}, ())
    assert world.account.type is AccountType.PAY_GO


def test_another_type_is_told_and_the_same_type_is_not() -> None:
    world = registered()
    changed = world.applied(SetAccountType(account_type=AccountType.MSP))
    assert changed.events == (
        AccountTypeChanged(before=AccountType.PAY_GO, after=AccountType.MSP, version=2),
    )
    assert world.applied(SetAccountType(account_type=AccountType.MSP)).events == ()
    assert world.account.version == 2


def test_a_flag_is_raised_and_lowered_beside_reserved_bits() -> None:
    world = registered()
    assert world.applied(SetFlag(flag="bad_debt")).events == (FlagsChanged(before=0, after=32768, version=2),)
    assert world.applied(SetFlag(flag="bad_debt")).events == ()
    assert world.applied(ClearFlag(flag="bad_debt")).events == (
        FlagsChanged(before=32768, after=0, version=3),
    )
    assert world.applied(ClearFlag(flag="bad_debt")).changes == {}


def test_reserved_bits_stay_when_a_flag_is_lowered() -> None:
    world = registered()
    record = world.account
    world.parts[ACCOUNT] = type(record)(
        record.type, 32768 | 4, record.version, None, record.created_on, record.edited_on
    )
    world.applied(ClearFlag(flag="bad_debt"))
    assert world.account.flags == 4


@pytest.mark.parametrize(
    ("flags", "names"),
    [(0, []), (32768, ["bad_debt"]), (1, ["bit_0"]), (32769, ["bit_0", "bad_debt"]), (65536, ["bit_16"])],
)
def test_flags_are_served_by_their_names(flags: int, names: list[str]) -> None:
    assert flag_names(flags) == names


@pytest.mark.parametrize(
    "message",
    [
        SetAccountType(account_type=AccountType.MSP, expected_version=7),
        SetFlag(flag="bad_debt", expected_version=7),
        ClearFlag(flag="bad_debt", expected_version=7),
    ],
)
def test_whoever_decided_on_an_older_version_is_refused(message: Message) -> None:
    refused = registered().refused(message)
    assert refused.code is Code.VERSION_CONFLICT
    assert "version 7, it is 1" in refused.message


def test_whoever_decided_on_the_version_that_holds_is_not_refused() -> None:
    assert registered().code(SetFlag(flag="bad_debt", expected_version=1)) is None


def test_a_locked_account_takes_commands_of_support_alone() -> None:
    world = registered()
    assert world.applied(LOCK, Role.SUPPORT).events == (AccountLocked(reason="fraud review", version=2),)
    for role in (Role.CUSTOMER, Role.SERVICE, Role.SYSTEM):
        assert world.code(CreateProfile(**US), role) is Code.ACCOUNT_LOCKED
    assert world.code(CreateProfile(**US), Role.SUPPORT) is None


def test_a_locked_account_takes_facts_from_everybody() -> None:
    world = registered()
    world.applied(LOCK, Role.SUPPORT)
    assert world.code(REGISTERED, Role.SERVICE) is None


def test_locking_again_keeps_the_first_lock() -> None:
    world = registered()
    world.applied(LOCK, Role.SUPPORT)
    first = world.account.lock
    assert world.applied(LockAccount(reason="another"), Role.SUPPORT).changes == {}
    assert world.account.lock == first
    assert first is not None
    assert first.reason == "fraud review"


def test_an_unlocked_account_takes_commands_again() -> None:
    world = registered()
    world.applied(LOCK, Role.SUPPORT)
    assert world.applied(UNLOCK, Role.SUPPORT).events == (AccountUnlocked(reason="all is well", version=3),)
    assert world.applied(UNLOCK, Role.SUPPORT).changes == {}
    assert world.code(CreateProfile(**US)) is None


@pytest.mark.parametrize("role", [Role.CUSTOMER, Role.SERVICE, Role.SYSTEM])
def test_only_support_locks_unlocks_and_erases(role: Role) -> None:
    world = with_profile()
    for message, verb in ((LOCK, "lock"), (UNLOCK, "unlock"), (ERASE, "erase")):
        refused = world.refused(message, role)
        assert (refused.code, refused.message) == (Code.FORBIDDEN, f"Only support may {verb} an account.")


def test_an_erasure_takes_the_profile_and_leaves_the_accounting_facts() -> None:
    world = with_profile()
    world.applied(SetFlag(flag="bad_debt"))
    erased = world.applied(ERASE, Role.SUPPORT)
    assert erased.forget
    assert erased.events == (AccountErased(version=3), ProfileDeleted(version=2))
    assert world.profile.fields == NOTHING
    assert world.profile.deleted_on == world.now
    assert world.account.flags == 32768


def test_an_erasure_of_an_account_without_profile_says_nothing_of_one() -> None:
    assert registered().applied(ERASE, Role.SUPPORT).events == (AccountErased(version=2),)


def test_a_second_erasure_forgets_again_but_deletes_no_profile_twice() -> None:
    world = with_profile()
    world.applied(ERASE, Role.SUPPORT)
    tombstone = world.profile
    again = world.applied(ERASE, Role.SUPPORT)
    assert again.forget
    assert again.events == (AccountErased(version=3),)
    assert world.profile is tombstone


def test_a_refusal_tells_nothing_of_the_state() -> None:
    world = registered()
    world.applied(LOCK, Role.SUPPORT)
    decision = world.decide(CreateProfile(**US))
    assert isinstance(decision, Refused)
    assert "fraud" not in decision.message
    assert not isinstance(decision, Applied)
