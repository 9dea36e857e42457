"""Creation and checking of topics at start, by the one table of topics."""

import asyncio
from collections.abc import Sequence

import structlog
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code

from fleet.topic_settings import Difference, advice, differences, wanted
from topics.table import TOPICS, Topic

log = structlog.get_logger()


class TopicMismatchError(Exception):
    """A topic exists otherwise than it must: keys would move, records be lost or lanes stand still."""


async def ensure_topics(bootstrap: str, *, replication: int = 1, topics: Sequence[Topic] = TOPICS) -> None:
    """Create what is missing, check what is there. Raises `TopicMismatchError` or `KafkaError`."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        await admin.start()
        await _create(admin, topics, replication)
        await _check(admin, topics, bootstrap)
    finally:
        await admin.close()


async def _create(admin: AIOKafkaAdminClient, topics: Sequence[Topic], replication: int) -> None:
    present = set(await admin.list_topics())
    missing = [_new(topic, replication) for topic in topics if topic.name not in present]
    if not missing:
        return
    answer = await admin.create_topics(missing)
    for name, code, *message in answer.topic_errors:
        error = for_code(code)
        if code and error is not TopicAlreadyExistsError:
            raise KafkaError(f"topic {name} could not be created: {error.__name__} {message}")


def _new(topic: Topic, replication: int) -> NewTopic:
    return NewTopic(topic.name, topic.partitions, replication, topic_configs=wanted(topic))


async def _check(admin: AIOKafkaAdminClient, topics: Sequence[Topic], bootstrap: str) -> None:
    table = {topic.name: topic for topic in topics}
    for name, partitions in (await _partitions(admin, list(table))).items():
        if partitions != table[name].partitions:
            raise TopicMismatchError(
                f"topic {name} has {partitions} partitions where {table[name].partitions} are needed; "
                "the number can't be changed without moving accounts between partitions"
            )
    settings = await _settings(admin, list(table))
    _judge([one for name, told in settings.items() for one in differences(table[name], told)], bootstrap)


def _judge(found: Sequence[Difference], bootstrap: str) -> None:
    for one in found:
        if one.harm is None:
            log.warning(
                "topic_differs", topic=one.topic, setting=one.setting, found=one.found, meant=one.wanted
            )
    harmful = [one for one in found if one.harm]
    if harmful:
        said = "\n".join(f"topic {one}." for one in harmful)
        raise TopicMismatchError(f"{said}\nPut it right, then start again:\n{advice(harmful, bootstrap)}")


async def _settings(admin: AIOKafkaAdminClient, names: list[str]) -> dict[str, dict[str, str | None]]:
    """The settings of each topic; of one that we may not ask about nothing is known, which is said."""
    asked = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
    found: dict[str, dict[str, str | None]] = {}
    for answer in await admin.describe_configs(asked):
        for code, _message, _kind, name, entries in answer.resources:
            if code:
                log.warning("topic_settings_unread", topic=name, error=for_code(code).__name__)
            found[name] = {entry[0]: entry[1] for entry in entries}
    return found


async def _partitions(admin: AIOKafkaAdminClient, names: list[str]) -> dict[str, int]:
    """Partitions of each topic. A topic just made is not known to every broker at once."""
    for _ in range(100):
        found = await admin.describe_topics(names)
        if not any(topic["error_code"] for topic in found):
            return {topic["topic"]: len(topic["partitions"]) for topic in found}
        await asyncio.sleep(0.1)
    raise KafkaError("topics were created but the brokers do not show them")
