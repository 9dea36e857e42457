"""Every dead letter is somebody's."""

import pytest

from topics.codec import Reason
from topics.owners import Owner, owner
from topics.table import BRAINTREE_WEBHOOKS, EVENTS, LANES, STRIPE_WEBHOOKS, TOPICS


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_has_an_owner_on_every_topic(reason: Reason) -> None:
    assert {owner(reason, topic.name) for topic in TOPICS} <= set(Owner)


@pytest.mark.parametrize("topic", [topic.name for topic in LANES.values()])
def test_what_a_publisher_sent_wrongly_is_the_publisher_s(topic: str) -> None:
    assert owner(Reason.BAD_BODY, topic) is Owner.PUBLISHER
    assert owner(Reason.UNKNOWN_TYPE, topic) is Owner.ON_CALL
    assert owner(Reason.DISCARDED, topic) is Owner.SUPPORT


@pytest.mark.parametrize("topic", [EVENTS.name, STRIPE_WEBHOOKS.name, BRAINTREE_WEBHOOKS.name])
def test_what_the_fleet_wrote_itself_is_for_those_on_call(topic: str) -> None:
    assert owner(Reason.BAD_BODY, topic) is Owner.ON_CALL
    assert owner(Reason.UNKNOWN_CUSTOMER, topic) is Owner.SUPPORT
