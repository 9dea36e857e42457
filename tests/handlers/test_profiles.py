"""The billing profile: absent, valid, deleted; what debt forbids; versions that never start again."""

from typing import Any

import pytest

from handlers.profiles import NOTHING
from tests.handlers.worlds import DE, JP, US, World, registered, with_profile
from topics.accounts import LockAccount, SetFlag
from topics.codes import Code
from topics.message import Message, Role
from topics.profiles import (
    CreateProfile,
    DeleteProfile,
    PatchProfile,
    ProfileChanged,
    ProfileDeleted,
    ReplaceProfile,
    UpsertProfile,
)


def in_debt() -> World:
    """An account with a profile and a balance outstanding."""
    world = with_profile()
    world.applied(SetFlag(flag="bad_debt"))
    return world


def fields_of(world: World) -> dict[str, Any]:
    """The fields of the profile that have a value."""
    return {name: value for name, value in world.profile.fields.items() if value is not None}


def test_a_profile_is_created_and_told_whole() -> None:
    world = registered()
    applied = world.applied(CreateProfile(**US))
    (event,) = applied.events
    assert isinstance(event, ProfileChanged)
    assert (event.version, event.created) == (1, True)
    assert event.profile.model_dump(exclude_none=True) == US
    assert event.profile.model_fields_set == set(world.profile.fields)
    assert fields_of(world) == US


def test_the_caller_is_told_the_profile_as_it_is_kept() -> None:
    world = registered()
    result = world.applied(CreateProfile(**US)).result
    assert result is not None
    assert result["city"] == "Springfield"
    assert result["account_type"] == "pay_go"
    assert result["created_on"] == world.now.isoformat().replace("+00:00", "Z")


def test_a_profile_is_kept_in_its_normal_form() -> None:
    world = registered()
    world.applied(CreateProfile(**{**US, "country": "us", "billing_email": " ada@EXAMPLE.com "}))
    assert fields_of(world) == US


def test_there_is_only_one_profile() -> None:
    refused = with_profile().refused(CreateProfile(**DE))
    assert refused.code is Code.ALREADY_EXISTS
    assert "Replace it" in refused.message


@pytest.mark.parametrize(
    "message",
    [
        ReplaceProfile(**US),
        ReplaceProfile(**US, expected_version=1),
        PatchProfile(billing_email="b@example.com"),
        DeleteProfile(),
        UpsertProfile(**US, expected_version=1),
    ],
)
def test_what_needs_a_profile_is_refused_without_one(message: Message) -> None:
    assert registered().refused(message).code is Code.NOT_FOUND
    deleted = with_profile()
    deleted.applied(DeleteProfile())
    assert deleted.refused(message).code is Code.NOT_FOUND


def test_a_replacement_leaves_nothing_of_the_former_profile() -> None:
    world = with_profile()
    world.applied(ReplaceProfile(**DE))
    assert fields_of(world) == DE
    assert world.profile.version == 2


def test_a_replacement_by_the_same_is_no_change() -> None:
    world = with_profile()
    again = world.applied(ReplaceProfile(**US))
    assert (again.changes, again.events) == ({}, ())
    assert again.result is not None
    assert again.result["version"] == 1


def test_an_upsert_creates_and_then_replaces() -> None:
    world = registered()
    created, replaced = world.applied(UpsertProfile(**US)), world.applied(UpsertProfile(**DE))
    assert [
        event.created for event in (*created.events, *replaced.events) if isinstance(event, ProfileChanged)
    ] == [
        True,
        False,
    ]


@pytest.mark.parametrize(
    "message",
    [
        ReplaceProfile(**DE, expected_version=9),
        UpsertProfile(**DE, expected_version=9),
        PatchProfile(billing_email="b@example.com", expected_version=9),
    ],
)
def test_whoever_decided_on_an_older_profile_is_refused(message: Message) -> None:
    assert with_profile().refused(message).code is Code.VERSION_CONFLICT


@pytest.mark.parametrize("message", [ReplaceProfile(**DE), UpsertProfile(**DE), DeleteProfile()])
def test_a_balance_outstanding_keeps_the_profile_as_it_is(message: Message) -> None:
    refused = in_debt().refused(message)
    assert refused.code is Code.OUTSTANDING_BALANCE
    assert "Pay it first" in refused.message


def test_a_balance_outstanding_lets_emails_and_locale_change() -> None:
    world = in_debt()
    world.applied(PatchProfile(billing_email="new@example.com", preferred_locale="en-US"))
    assert world.profile.fields["billing_email"] == "new@example.com"


def test_a_balance_outstanding_is_no_reason_against_a_first_profile() -> None:
    world = registered()
    world.applied(SetFlag(flag="bad_debt"))
    assert world.code(CreateProfile(**US)) is None


def test_a_patch_changes_what_it_names_and_nothing_else() -> None:
    world = with_profile()
    world.applied(PatchProfile(secondary_billing_email="copy@example.com"))
    assert fields_of(world) == {**US, "secondary_billing_email": "copy@example.com"}


def test_a_patch_with_null_removes_and_an_absent_field_stays() -> None:
    world = with_profile()
    world.applied(PatchProfile(preferred_locale="en-US"))
    world.applied(PatchProfile(preferred_locale=None))
    assert fields_of(world) == US


def test_an_empty_patch_changes_nothing() -> None:
    again = with_profile().applied(PatchProfile())
    assert (again.changes, again.events) == ({}, ())


def test_a_patch_is_not_held_up_by_older_fields_that_would_not_be_valid_today() -> None:
    world = with_profile()
    profile = world.profile
    world.parts.update(
        {
            part: type(profile)(
                {**profile.fields, "zipcode": " 0 "}, 1, profile.created_on, profile.edited_on
            )
            for part, value in world.parts.items()
            if value is profile
        }
    )
    world.applied(PatchProfile(billing_email="new@example.com"))
    assert world.profile.fields["zipcode"] == " 0 "


@pytest.mark.parametrize(
    ("message", "pointers"),
    [
        (CreateProfile(**{**US, "zipcode": "ABC"}), ["/zipcode"]),
        (CreateProfile(**{**US, "state": "Ontario"}), ["/state"]),
        (CreateProfile(**{**US, "billing_email": "ada@"}), ["/billing_email"]),
        (CreateProfile(**{**US, "country": "XX"}), ["/country"]),
        (CreateProfile(**{**DE, "preferred_locale": "de_!"}), ["/preferred_locale"]),
        (CreateProfile(**{**DE, "vat": "DE1", "tax_id_type": "eu_vat"}), ["/vat"]),
        (CreateProfile(**{**US, "city": "x" * 200, "zipcode": "ABC"}), ["/city", "/zipcode"]),
    ],
)
def test_a_profile_that_is_not_valid_is_refused_field_by_field(message: Message, pointers: list[str]) -> None:
    refused = registered().refused(message)
    assert refused.code is Code.INVALID
    assert [problem.pointer for problem in refused.problems] == pointers
    assert all(problem.message.endswith(".") for problem in refused.problems)


def test_a_patch_that_is_not_valid_names_the_patched_field() -> None:
    refused = with_profile().refused(
        PatchProfile(billing_email="nobody", secondary_billing_email="b@example.com")
    )
    assert [problem.pointer for problem in refused.problems] == ["/billing_email"]


def test_a_deleted_profile_leaves_nothing_but_its_version() -> None:
    world = with_profile()
    assert world.applied(DeleteProfile()).events == (ProfileDeleted(version=2),)
    assert world.profile.fields == NOTHING
    assert world.profile.deleted_on == world.now


def test_versions_go_on_over_a_deletion_and_the_new_profile_is_new() -> None:
    world = with_profile()
    world.applied(DeleteProfile())
    world.applied(CreateProfile(**JP))
    assert world.profile.version == 3
    assert world.profile.created_on == world.now
    assert world.profile.deleted_on is None


def test_a_change_keeps_the_day_of_creation() -> None:
    world = with_profile()
    created = world.profile.created_on
    world.applied(PatchProfile(billing_email="new@example.com"))
    assert (world.profile.created_on, world.profile.edited_on) == (created, world.now)


def test_support_may_change_the_profile_of_a_locked_account() -> None:
    world = with_profile()
    world.applied(LockAccount(reason="review"), Role.SUPPORT)
    assert world.code(ReplaceProfile(**DE)) is Code.ACCOUNT_LOCKED
    assert world.code(ReplaceProfile(**DE), Role.SUPPORT) is None
