"""The desired Stripe customer, and how far Stripe is from it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.accounts import AccountRecord
from handlers.payment_method import NO_METHODS
from handlers.profiles import FIELDS, NOTHING, Profile
from handlers.stripe_customers import Failure, StripeCustomer
from handlers.stripe_projection import (
    LONGEST_PHONE,
    METADATA_KEYS,
    SHARED_REASON,
    MetadataLimitError,
    bare,
    checked_metadata,
    digest,
    project,
    sync_state,
)
from tests.handlers.payment_worlds import kept, linked, with_card, with_paypal
from topics.accounts import AccountType, EraseAccount
from topics.message import Role
from topics.payment_methods import RemovePaymentMethod

ACCOUNT = "a" * 32
THEN = datetime(2026, 1, 1, tzinfo=UTC)
LATER = THEN + timedelta(hours=1)
RECORD = AccountRecord(AccountType.PAY_GO, 0, 1, None, THEN, THEN)
FIELDS_OF_ADA = {
    **NOTHING,
    "first_name": "Ada",
    "last_name": "Lovelace",
    "address": "1 Main St",
    "city": "Berlin",
    "zipcode": "10115",
    "country": "DE",
    "telephone": "030 123456",
    "vat": "DE136695976",
    "billing_email": "ada@example.com",
    "preferred_locale": "de-DE",
}
PROFILE = Profile(FIELDS_OF_ADA, 1, THEN, THEN)
TOMBSTONE = Profile(NOTHING, 2, THEN, LATER, deleted_on=LATER)
DESIRED = digest(project(ACCOUNT, RECORD, PROFILE, NO_METHODS))

texts = st.none() | st.text(max_size=30)
profiles = st.fixed_dictionaries(dict.fromkeys(FIELDS, texts)).map(
    lambda fields: Profile(fields, 1, THEN, THEN)
)
records = st.builds(
    AccountRecord,
    st.sampled_from(AccountType),
    st.integers(0, 2**31 - 1),
    st.just(1),
    st.none(),
    st.just(THEN),
    st.just(THEN),
)


def test_a_profile_becomes_a_customer() -> None:
    found = project(ACCOUNT, RECORD, PROFILE, NO_METHODS)
    assert (found.name, found.email, found.phone) == ("Ada Lovelace", "ada@example.com", "+4930123456")
    assert found.address == {
        "line1": "1 Main St",
        "line2": "",
        "city": "Berlin",
        "state": "",
        "postal_code": "10115",
        "country": "DE",
    }
    assert found.preferred_locales == ("de-DE",)
    assert [(one.type, one.value) for one in found.tax_ids or ()] == [("eu_vat", "DE136695976")]
    assert found.metadata == {"account_id": ACCOUNT, "account_type": "pay_go", "bad_debt": "false"}


def test_a_company_stands_before_its_people() -> None:
    profile = replace(PROFILE, fields={**FIELDS_OF_ADA, "company": "Engines Ltd"})
    assert project(ACCOUNT, RECORD, profile, NO_METHODS).name == "Engines Ltd"


def test_bad_debt_is_mirrored() -> None:
    assert (
        project(ACCOUNT, replace(RECORD, flags=1 << 15), PROFILE, NO_METHODS).metadata["bad_debt"] == "true"
    )


def test_an_account_that_never_had_a_profile_says_nothing_about_a_person() -> None:
    found = project(ACCOUNT, RECORD, None, NO_METHODS)
    assert {found.name, found.email, found.phone, found.address, found.tax_ids} == {None}


def test_who_pays_by_paypal_and_names_no_address_is_reached_where_paypal_does() -> None:
    """Stripe sends no invoice to a customer without an e-mail."""
    world = linked()
    with_card(world)
    assert project(ACCOUNT, RECORD, None, kept(world)).email is None, "nothing is known of a payer"
    paypal = with_paypal(world)
    assert project(ACCOUNT, RECORD, None, kept(world)).email == "payer@example.com"
    assert project(ACCOUNT, RECORD, TOMBSTONE, kept(world)).email == "payer@example.com"
    assert project(ACCOUNT, RECORD, PROFILE, kept(world)).email == "ada@example.com"
    world.applied(RemovePaymentMethod(method_id=paypal))
    for profile in (None, TOMBSTONE):
        assert project(ACCOUNT, RECORD, profile, kept(world)).email == "", "the address must not stay"


def test_an_erased_payer_s_address_is_blank_at_stripe() -> None:
    world = linked()
    with_paypal(world)
    world.applied(EraseAccount(reason="request 4711"), Role.SUPPORT)
    assert project(ACCOUNT, RECORD, None, kept(world)).email == ""


def test_a_deleted_profile_says_that_everything_is_blank() -> None:
    found = project(ACCOUNT, RECORD, TOMBSTONE, NO_METHODS)
    assert {found.name, found.email, found.phone, *(found.address or {}).values()} == {""}
    assert found.tax_ids == ()
    assert found.preferred_locales == ("en",)


def test_a_telephone_number_that_stripe_has_no_room_for_is_left_out() -> None:
    profile = replace(PROFILE, fields={**FIELDS_OF_ADA, "telephone": "call 0" + "1" * LONGEST_PHONE})
    assert project(ACCOUNT, RECORD, profile, NO_METHODS).phone == ""


def test_a_customer_is_created_without_a_word_about_a_person() -> None:
    assert bare(ACCOUNT).metadata == {"account_id": ACCOUNT}
    assert bare(ACCOUNT).name is None


@given(records, profiles)
def test_equal_accounts_have_equal_digests(record: AccountRecord, profile: Profile) -> None:
    shuffled = replace(profile, fields=dict(sorted(profile.fields.items())))
    first, second = (
        project(ACCOUNT, record, profile, NO_METHODS),
        project(ACCOUNT, replace(record), shuffled, NO_METHODS),
    )
    assert first == second
    assert digest(first) == digest(second)


@given(records, profiles, records, profiles)
def test_different_customers_have_different_digests(
    record: AccountRecord, profile: Profile, other_record: AccountRecord, other_profile: Profile
) -> None:
    first = project(ACCOUNT, record, profile, NO_METHODS)
    second = project(ACCOUNT, other_record, other_profile, NO_METHODS)
    assert (first == second) == (digest(first) == digest(second))


def test_a_digest_stays_the_same_from_release_to_release() -> None:
    """Whoever changes it makes every account pending and owes each of them a sync."""
    assert DESIRED == "689f432c29790cd9849c051b255eddebd9e72fb05e35988479b879e7e8581a4f"


def test_metadata_that_stripe_would_refuse_is_a_defect() -> None:
    for metadata in (
        {"k" * 41: "v"},
        {"k": "v" * 501},
        {"a[b]": "v"},
        {"": "v"},
        {f"k{n}": "v" for n in range(METADATA_KEYS + 1)},
    ):
        with pytest.raises(MetadataLimitError):
            checked_metadata(metadata)
    assert checked_metadata({"k" * 40: "v" * 500}) == {"k" * 40: "v" * 500}


class TestSyncState:
    """What a caller is told."""

    def test_nothing_to_sync(self) -> None:
        assert sync_state(ACCOUNT, RECORD, None, NO_METHODS, None).state == "none"
        assert sync_state(ACCOUNT, RECORD, TOMBSTONE, NO_METHODS, None).state == "none"

    def test_pending_since_the_last_edit(self) -> None:
        found = sync_state(ACCOUNT, replace(RECORD, edited_on=LATER), PROFILE, NO_METHODS, None)
        assert (found.state, found.since) == ("pending", LATER)

    def test_synced_when_stripe_holds_what_is_desired(self) -> None:
        customer = StripeCustomer("cus_1", 1, DESIRED, LATER)
        assert sync_state(ACCOUNT, RECORD, PROFILE, NO_METHODS, customer).since == LATER
        assert sync_state(ACCOUNT, RECORD, PROFILE, NO_METHODS, customer).state == "synced"

    def test_pending_again_after_a_change(self) -> None:
        customer = StripeCustomer("cus_1", 1, DESIRED, LATER)
        assert (
            sync_state(ACCOUNT, replace(RECORD, flags=1 << 15), PROFILE, NO_METHODS, customer).state
            == "pending"
        )

    def test_failed_with_its_reason_while_nothing_has_changed(self) -> None:
        customer = StripeCustomer("cus_1", 1, failure=Failure(DESIRED, "no such country", LATER))
        found = sync_state(ACCOUNT, RECORD, PROFILE, NO_METHODS, customer)
        assert (found.state, found.reason, found.since) == ("failed", "no such country", LATER)

    def test_a_failure_of_other_values_does_not_count(self) -> None:
        customer = StripeCustomer("cus_1", 1, failure=Failure("0" * 64, "no such country", LATER))
        assert sync_state(ACCOUNT, RECORD, PROFILE, NO_METHODS, customer).state == "pending"

    def test_failed_while_several_accounts_share_the_customer(self) -> None:
        customer = StripeCustomer("cus_1", 1, DESIRED, THEN, merged=True, shared_as_of=LATER)
        found = sync_state(ACCOUNT, RECORD, PROFILE, NO_METHODS, customer)
        assert (found.state, found.reason, found.since) == ("failed", SHARED_REASON, LATER)
