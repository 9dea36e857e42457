"""The link to Stripe: never two, what a sync showed, who shares a customer; late facts change nothing."""

from datetime import timedelta

import pytest

from handlers.decision import EffectRequest
from handlers.payment_effects import align_stripe
from handlers.stripe_customers import DISCARD_EFFECT, READ_CUSTOMER, STRIPE, Failure
from tests.handlers.worlds import START, World, registered
from topics.codes import Code
from topics.message import Role
from topics.observation import Observation
from topics.payment_methods import StripeCustomerObserved
from topics.stripe_customers import (
    LinkStripeCustomer,
    StripeCustomerLinked,
    StripeCustomerMerged,
    StripeCustomerShared,
    StripeCustomerSynced,
    StripeCustomerSyncFailed,
    StripeSyncRequested,
    SyncStripeCustomer,
)

OLD, NEW = "1" * 64, "2" * 64


def synced(
    minute: int, *, customer: str = "cus_A", projection: str = NEW, created: bool = False
) -> StripeCustomerSynced:
    """Stripe held the projection at that minute."""
    moment = START + timedelta(minutes=minute)
    return StripeCustomerSynced(
        customer_id=customer, projection=projection, synced_at=moment, created=created
    )


def failed(minute: int, reason: str = "no", projection: str = NEW) -> StripeCustomerSyncFailed:
    """Stripe refused the projection at that minute."""
    return StripeCustomerSyncFailed(
        reason=reason, projection=projection, failed_at=START + timedelta(minutes=minute)
    )


def shared(minute: int, accounts: int, customer: str = "cus_A") -> StripeCustomerShared:
    """So many accounts were linked to the customer at that minute."""
    return StripeCustomerShared(
        customer_id=customer, accounts=accounts, as_of=START + timedelta(minutes=minute)
    )


def linked() -> World:
    """An account with a Stripe customer of its own."""
    world = registered()
    world.applied(LinkStripeCustomer(customer_id="cus_A"))
    return world


def test_an_account_without_a_customer_is_linked() -> None:
    applied = registered().applied(LinkStripeCustomer(customer_id="cus_A"))
    assert applied.events == (StripeCustomerLinked(customer_id="cus_A", before=None, version=1),)


def test_linking_what_is_linked_changes_nothing() -> None:
    again = linked().applied(LinkStripeCustomer(customer_id="cus_A", expected_customer_id="cus_B"))
    assert (again.changes, again.events) == ({}, ())


@pytest.mark.parametrize("expected", [None, "cus_C"])
def test_a_link_that_is_not_what_the_caller_saw_stays(expected: str | None) -> None:
    command = LinkStripeCustomer(customer_id="cus_B", expected_customer_id=expected)
    assert linked().refused(command).code is Code.VERSION_CONFLICT


def test_a_new_link_knows_nothing_of_what_its_customer_holds() -> None:
    world = linked()
    world.applied(synced(5))
    world.applied(shared(6, 2))
    command = LinkStripeCustomer(customer_id="cus_B", expected_customer_id="cus_A")
    (event,) = world.applied(command).events
    assert event == StripeCustomerLinked(customer_id="cus_B", before="cus_A", version=4)
    customer = world.customer
    assert (customer.projection, customer.synced_at, customer.failure, customer.merged) == (
        None,
        None,
        None,
        False,
    )


def test_the_first_sync_links_the_customer_it_made() -> None:
    world = registered()
    applied = world.applied(synced(5, created=True))
    assert applied.events == (StripeCustomerLinked(customer_id="cus_A", before=None, version=1),)
    assert world.customer.projection == NEW


def test_a_customer_that_lost_the_race_is_discarded() -> None:
    applied = linked().applied(synced(5, customer="cus_B", created=True))
    assert applied.changes == {}
    assert applied.effects == (
        EffectRequest(DISCARD_EFFECT, STRIPE, "discard:cus_B", {"customer_id": "cus_B"}),
    )


def test_a_customer_of_a_former_link_is_left_alone() -> None:
    applied = linked().applied(synced(5, customer="cus_B"))
    assert (applied.changes, applied.effects) == ({}, ())


def test_the_made_customer_told_again_is_not_discarded() -> None:
    world = registered()
    world.applied(synced(5, created=True))
    again = world.applied(synced(5, created=True))
    assert (again.changes, again.events, again.effects) == ({}, (), ())


def test_a_late_older_sync_changes_nothing() -> None:
    world = linked()
    world.applied(synced(9, projection=NEW))
    assert world.applied(synced(5, projection=OLD)).changes == {}
    assert world.customer.projection == NEW


def test_a_failure_is_remembered_until_a_later_sync_goes_well() -> None:
    world = linked()
    world.applied(failed(5, "tax id"))
    assert world.customer.failure == Failure(NEW, "tax id", START + timedelta(minutes=5))
    world.applied(synced(6))
    assert world.customer.failure is None


def test_a_late_older_failure_changes_nothing() -> None:
    world = linked()
    world.applied(synced(9))
    assert world.applied(failed(5)).changes == {}
    assert world.customer.failure is None


def test_a_late_older_failure_does_not_replace_a_newer_one() -> None:
    world = linked()
    world.applied(failed(9, "the last word"))
    assert world.applied(failed(5, "before that")).changes == {}
    assert world.customer.failure is not None
    assert world.customer.failure.reason == "the last word"


def test_a_late_older_sync_does_not_hide_a_newer_failure() -> None:
    world = linked()
    world.applied(failed(9, projection=NEW))
    world.applied(synced(5, projection=OLD))
    assert world.customer.projection == OLD
    assert world.customer.failure is not None


@pytest.mark.parametrize("accounts", [2, 17])
def test_a_shared_customer_marks_the_account_as_merged_once(accounts: int) -> None:
    world = linked()
    told = world.applied(shared(5, accounts)).events
    assert told == (StripeCustomerMerged(customer_id="cus_A", merged=True, version=2),)
    assert world.applied(shared(6, accounts)).events == ()
    assert world.customer.merged


def test_a_customer_that_is_no_longer_shared_is_told_too() -> None:
    world = linked()
    world.applied(shared(5, 2))
    told = world.applied(shared(6, 1))
    assert told.events == (StripeCustomerMerged(customer_id="cus_A", merged=False, version=3),)


def test_what_nobody_wrote_while_a_customer_was_shared_is_brought_in_line_once_it_is_not() -> None:
    world = linked()
    assert world.applied(shared(4, 1)).effects == ()
    assert world.applied(shared(5, 2)).effects == ()
    assert world.applied(shared(6, 1)).effects == (align_stripe(),)
    assert world.applied(shared(7, 1)).effects == ()


def test_a_deleted_customer_is_not_brought_in_line_when_it_is_no_longer_shared() -> None:
    world = linked()
    world.applied(shared(5, 2))
    world.applied(
        StripeCustomerObserved(
            customer_id="cus_A", default_payment_method=None, deleted=True, seen=Observation(at=START)
        )
    )
    assert world.applied(shared(6, 1)).effects == ()


@pytest.mark.parametrize("minute", [4, 5])
def test_an_older_reading_of_who_shares_changes_nothing(minute: int) -> None:
    world = linked()
    world.applied(shared(5, 2))
    assert world.applied(shared(minute, 1)).changes == {}
    assert world.customer.merged


def test_a_reading_about_another_customer_changes_nothing() -> None:
    assert linked().applied(shared(5, 2, customer="cus_B")).changes == {}
    assert registered().applied(shared(5, 2)).changes == {}


def test_automation_keeps_off_a_merged_account() -> None:
    world = linked()
    world.applied(shared(5, 2))
    refused = world.refused(SyncStripeCustomer(), Role.SUPPORT)
    assert refused.code is Code.MERGED_ACCOUNT
    assert "a customer of its own" in refused.message


def test_a_sync_that_is_asked_for_is_told_and_changes_nothing_here() -> None:
    applied = linked().applied(SyncStripeCustomer())
    assert (applied.changes, applied.events) == ({}, (StripeSyncRequested(),))
    assert [effect.kind for effect in applied.effects] == [READ_CUSTOMER]
    assert registered().applied(SyncStripeCustomer()).effects == ()
