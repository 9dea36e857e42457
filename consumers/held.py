"""What a log holds, by one definition for the lanes and for the operator: all that is written, and is kept still.

What stands in transactions under way is written too. A cursor may stand behind some of it, set by an operator or by a
release that did not wait for the end of transactions: nothing is missing there, the reader waits for that end.
"""

from collections.abc import Collection

from aiokafka import AIOKafkaConsumer, TopicPartition


async def bounds(
    consumer: AIOKafkaConsumer, topic: str, partitions: Collection[int]
) -> dict[int, tuple[int, int]]:
    """The first offset kept and the next one to be written, of each partition; raises `KafkaError`.

    Of a `consumer` that does not wait for the end of transactions: to others aiokafka tells an earlier end.
    """
    asked = [TopicPartition(topic, partition) for partition in partitions]
    first = await consumer.beginning_offsets(asked)
    following = await consumer.end_offsets(asked)
    return {tp.partition: (first[tp], following[tp]) for tp in asked}
