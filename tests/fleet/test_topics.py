"""Topics as they were found: what would lose records or stop a lane is refused, with what to run."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from uuid import uuid4

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from structlog.testing import capture_logs

from fleet.kafka_topics import TopicMismatchError, ensure_topics
from fleet.topic_settings import advice, differences, wanted
from tests.conftest import Stack
from topics.table import DEAD_LETTERS, EVENTS, FACTS, Topic

DAY_MS = 86_400_000
PAST_END = [("retention.ms", str(30 * DAY_MS)), ("compression.type", "producer")]


@pytest.mark.parametrize(
    ("setting", "value", "harm"),
    [
        ("cleanup.policy", "compact", "drops all but the last record of an account"),
        ("cleanup.policy", "compact,delete", "drops all but the last record of an account"),
        ("retention.ms", str(DAY_MS), "drops records that may not be applied yet"),
        ("retention.bytes", "1000000", "drops records that may not be applied yet"),
        ("message.timestamp.type", "CreateTime", "lets producers date records"),
        ("max.message.bytes", "1000", "refuses records that have to be written"),
        ("max.message.bytes", "99999999", "takes records that no dead letter has room for"),
    ],
)
def test_what_loses_records_or_stops_a_lane_is_harmful(setting: str, value: str, harm: str) -> None:
    (found,) = differences(FACTS, {**wanted(FACTS), setting: value})
    assert found.harm
    assert found.harm.startswith(harm)
    assert f"{setting}={wanted(FACTS)[setting]}" in advice([found], "kafka:9092")


@pytest.mark.parametrize(
    ("topic", "setting", "value"),
    [
        *((EVENTS, setting, value) for setting, value in PAST_END),
        (FACTS, "retention.ms", "-1"),
        (DEAD_LETTERS, "max.message.bytes", "99999999"),
    ],
)
def test_what_only_differs_is_not(topic: Topic, setting: str, value: str) -> None:
    (found,) = differences(topic, {**wanted(topic), setting: value})
    assert found.harm is None


def test_a_topic_as_in_the_table_differs_in_nothing() -> None:
    assert differences(FACTS, wanted(FACTS)) == []
    assert differences(FACTS, {}) == []


@asynccontextmanager
async def found(stack: Stack, **settings: str) -> AsyncIterator[Topic]:
    """A topic that somebody made by hand."""
    topic = replace(FACTS, name=f"test.found.{uuid4().hex[:8]}", partitions=1)
    configs = wanted(topic) | {name.replace("_", "."): value for name, value in settings.items()}
    admin = AIOKafkaAdminClient(bootstrap_servers=stack.kafka_bootstrap)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(topic.name, 1, 1, topic_configs=configs)])
        yield topic
        await admin.delete_topics([topic.name])
    finally:
        await admin.close()


@pytest.mark.stack
@pytest.mark.asyncio
async def test_a_compacted_topic_is_refused_with_what_to_run(stack: Stack) -> None:
    async with found(stack, cleanup_policy="compact") as topic:
        with pytest.raises(TopicMismatchError) as refused:
            await ensure_topics(stack.kafka_bootstrap, topics=[topic])
    assert f"topic {topic.name} has cleanup.policy=compact where delete is meant" in str(refused.value)
    assert f"--entity-name {topic.name} --add-config cleanup.policy=delete" in str(refused.value)


@pytest.mark.stack
@pytest.mark.asyncio
async def test_a_harmless_difference_is_a_warning(stack: Stack) -> None:
    async with found(stack, compression_type="producer") as topic:
        with capture_logs() as logs:
            await ensure_topics(stack.kafka_bootstrap, topics=[topic])
    assert [(entry["event"], entry["setting"]) for entry in logs] == [("topic_differs", "compression.type")]


@pytest.mark.stack
@pytest.mark.asyncio
async def test_a_topic_that_was_made_here_is_as_in_the_table(stack: Stack) -> None:
    topic = replace(FACTS, name=f"test.made.{uuid4().hex[:8]}", partitions=1)
    with capture_logs() as logs:
        await ensure_topics(stack.kafka_bootstrap, topics=[topic])
        await ensure_topics(stack.kafka_bootstrap, topics=[topic])
    assert logs == []
