"""What keeps a profile from being deleted: debt, and subscriptions that somebody pays for."""

from tests.handlers.payment_worlds import event, item, linked, subscription
from tests.handlers.worlds import US
from topics.accounts import EraseAccount, SetFlag
from topics.codes import Code
from topics.message import Role
from topics.profiles import CreateProfile, DeleteProfile
from topics.subscriptions import SubscriptionStatus


def test_a_profile_stays_while_somebody_pays_for_a_subscription() -> None:
    world = linked()
    world.applied(CreateProfile(**US))
    world.applied(subscription(event(1)))
    refused = world.refused(DeleteProfile())
    assert refused.code is Code.TRANSACTIONS_IN_PROGRESS
    assert "sub_1" in refused.message
    world.applied(subscription(event(2), status=SubscriptionStatus.CANCELED, ended_at=event(2).at))
    assert world.code(DeleteProfile()) is None


def test_a_free_subscription_needs_no_profile() -> None:
    world = linked()
    world.applied(CreateProfile(**US))
    world.applied(subscription(event(1), items=(item(unit_amount=0),)))
    assert world.code(DeleteProfile()) is None


def test_debt_is_told_first() -> None:
    world = linked()
    world.applied(CreateProfile(**US))
    world.applied(subscription(event(1)))
    world.applied(SetFlag(flag="bad_debt"), Role.SERVICE)
    assert world.code(DeleteProfile()) is Code.OUTSTANDING_BALANCE


def test_an_erasure_takes_the_profile_whatever_is_paid() -> None:
    world = linked()
    world.applied(CreateProfile(**US))
    world.applied(subscription(event(1)))
    world.applied(EraseAccount(reason="asked"), Role.SUPPORT)
    assert world.profile.deleted_on is not None
