"""Who may write and read which topic, as the documents say it, is who does."""

import inspect
import re
from typing import Any

import pytest

from consumers.fact_producer import FactProducer
from consumers.lane import LANES
from consumers.reconciler import Reconciler
from consumers.webhooks import Webhooks
from fleet.documents import FOLDER
from fleet.members import BUILDERS
from fleet.serve import SURFACES
from producers.http.surface import Settings as SurfaceSettings
from producers.iapi.scopes import SCOPES
from producers.paypal_batches import PayPalBatches
from producers.schedule import Schedule
from topics.table import (
    BRAINTREE_WEBHOOKS,
    DEAD_LETTERS,
    DOWNSTREAM,
    EVENTS,
    OPERATORS,
    STRIPE_WEBHOOKS,
    TOPICS,
    UPSTREAM,
)
from topics.table import LANES as LANE_TOPICS

BY_NAME = {topic.name: topic for topic in TOPICS}
KNOWN = {*BUILDERS, *SURFACES, "webhooks entry point", OPERATORS, UPSTREAM, DOWNSTREAM}


def default(made: Any, name: str) -> Any:
    """What a member is built with unless it is told otherwise."""
    return inspect.signature(made).parameters[name].default


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
def test_whoever_is_named_is_there(topic: Any) -> None:
    assert topic.writers
    assert topic.readers
    assert {*topic.writers, *topic.readers} <= KNOWN


@pytest.mark.parametrize("name", LANES)
def test_a_lane_is_read_by_its_member_and_written_to_by_operators_who_replay(name: str) -> None:
    assert LANE_TOPICS[name] is LANES[name].topic
    assert name in LANES[name].topic.readers
    assert OPERATORS in LANES[name].topic.writers


def test_members_and_entry_points_may_write_where_they_publish() -> None:
    published = {
        "schedule": default(Schedule, "topic"),
        "paypal-batches": default(PayPalBatches, "topic"),
        "webhooks": default(FactProducer, "topic"),
        "dashboard": default(SurfaceSettings, "commands_topic"),
        "iapi": default(SurfaceSettings, "commands_topic"),
    }
    assert default(Webhooks, "facts") == default(FactProducer, "topic")
    for member, topic in published.items():
        assert member in BY_NAME[topic].writers, member
    assert UPSTREAM in BY_NAME[default(FactProducer, "topic")].writers


def test_members_may_read_what_they_consume() -> None:
    assert "reconciler" in BY_NAME[default(Reconciler, "topic")].readers
    for topic in default(Webhooks, "topics"):
        assert BY_NAME[topic].readers == ("webhooks",)
        assert BY_NAME[topic].writers == ("webhooks entry point",)


def test_what_is_owed_in_the_outbox_may_be_written_by_the_relay() -> None:
    """Conclusions and results of effects (consumers/effect_run.py), events (fold.py), and dead letters."""
    relayed = (LANE_TOPICS["commands"], LANE_TOPICS["facts"], EVENTS, DEAD_LETTERS)
    assert [topic.name for topic in TOPICS if "relay" in topic.writers] == [topic.name for topic in relayed]
    assert not {STRIPE_WEBHOOKS, BRAINTREE_WEBHOOKS} & set(relayed)


def test_the_page_on_security_names_every_scope() -> None:
    (sentence,) = re.findall(r"^Scopes: (.*?)\. ", (FOLDER / "security.md").read_text(), re.S | re.M)
    assert set(re.findall(r"`([\w:-]+)`", sentence)) == SCOPES
