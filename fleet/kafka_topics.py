"""Creation and checking of topics at start, by the one table of topics."""

import asyncio
from collections.abc import Sequence

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code

from topics.table import TOPICS, Topic


class TopicMismatchError(Exception):
    """A topic exists with another number of partitions; keys would move, so nothing is started."""

    def __init__(self, topic: Topic, partitions: int) -> None:
        super().__init__(
            f"topic {topic.name} has {partitions} partitions where {topic.partitions} are needed; "
            "the number can't be changed without moving accounts between partitions"
        )


async def ensure_topics(bootstrap: str, *, replication: int = 1, topics: Sequence[Topic] = TOPICS) -> None:
    """Create what is missing, check what is there. Raises `TopicMismatchError` or `KafkaError`."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        await admin.start()
        await _create(admin, topics, replication)
        await _check(admin, topics)
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
    retention = -1 if topic.retention is None else int(topic.retention.total_seconds() * 1000)
    configs = {
        "retention.ms": str(retention),
        "cleanup.policy": "delete",
        "max.message.bytes": str(topic.max_bytes),
        "message.timestamp.type": "LogAppendTime",
        # The broker unpacks what a producer compressed: no codec that we lack can stop a reader.
        "compression.type": "uncompressed",
    }
    return NewTopic(topic.name, topic.partitions, replication, topic_configs=configs)


async def _check(admin: AIOKafkaAdminClient, topics: Sequence[Topic]) -> None:
    wanted = {topic.name: topic for topic in topics}
    for name, partitions in (await _partitions(admin, list(wanted))).items():
        if partitions != wanted[name].partitions:
            raise TopicMismatchError(wanted[name], partitions)


async def _partitions(admin: AIOKafkaAdminClient, names: list[str]) -> dict[str, int]:
    """Partitions of each topic. A topic just made is not known to every broker at once."""
    for _ in range(100):
        found = await admin.describe_topics(names)
        if not any(topic["error_code"] for topic in found):
            return {topic["topic"]: len(topic["partitions"]) for topic in found}
        await asyncio.sleep(0.1)
    raise KafkaError("topics were created but the brokers do not show them")
