"""Where a client reads on: behind the records it gave out, and behind what it passed over; and whether it does."""

from aiokafka import AIOKafkaConsumer, TopicPartition


class ReaderBrokenError(Exception):
    """Nothing is read any more, and will not be before the process is started again."""


def reached(consumer: AIOKafkaConsumer, partition: TopicPartition) -> int | None:
    """The next offset to read; None while there is none, or the partition is not ours.

    Marks of transactions, and what was aborted, are passed over and never given out. aiokafka's own call
    for this waits until there is a position; this one must not.
    """
    if partition not in consumer.assignment():
        return None
    state = consumer._subscription.subscription.assignment.state_value(partition)
    offset: int | None = state.position if state.has_valid_position else None
    return offset


def readable_end(consumer: AIOKafkaConsumer, partition: TopicPartition) -> int | None:
    """The next offset that may become readable, as of the last fetch: what is in open transactions is not yet."""
    if partition not in consumer.assignment():
        return None
    stable: int | None = consumer.last_stable_offset(partition)
    if stable is not None and stable >= 0:
        return stable
    written: int | None = consumer.highwater(partition)
    return written


def reading_ended(consumer: AIOKafkaConsumer) -> bool:
    """Whether the task that fetches broke, as by an answer it can't take apart: `getmany` then waits for ever."""
    fetcher = consumer._fetcher
    return fetcher is not None and bool(fetcher.error_future.done())


async def break_off(consumer: AIOKafkaConsumer) -> None:
    """End a consumer whose `stop` was cancelled half way: its group notices when the session is over."""
    coordinator, fetcher = consumer._coordinator, consumer._fetcher
    if coordinator is not None:
        await coordinator._stop_heartbeat_task()
        await coordinator._stop_commit_offsets_refresh_task()
    if fetcher is not None:
        await fetcher.close()
    await consumer._client.close()
