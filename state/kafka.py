"""What Kafka's own client lacks: the end of a producer that must not send what it still holds."""

import asyncio
from contextlib import suppress
from typing import Any, Final

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaConnectionError, KafkaError

CLOSE_SECONDS: Final = 3.0
"""How long its connections may take to close."""


async def drop(producer: AIOKafkaProducer) -> None:
    """End a producer without flushing it. aiokafka has no such call: `stop` would wait for the flush."""
    sender = producer._sender
    if sender.sender_task is not None:
        sender.sender_task.cancel()
    messages = producer._message_accumulator
    batches = [
        *messages._pending_batches,
        *(batch for queue in messages._batches.values() for batch in queue),
    ]
    messages.fail_all(KafkaConnectionError("the producer was abandoned"))
    for batch in batches:
        # aiokafka tells whoever waits for room in the batch, though nobody may.
        look_at(batch._drain_waiter)
    producer._closed = True
    with suppress(KafkaError, TimeoutError):
        async with asyncio.timeout(CLOSE_SECONDS):
            await producer.client.close()
    if sender.sender_task is not None:
        # The second time it does not wait for answers any more, and ends as cancelled. To wait for that by `await`, as
        # the sender's own `close` does, would cancel us.
        sender.sender_task.cancel()
        ended, _ = await asyncio.wait([sender.sender_task], timeout=CLOSE_SECONDS)
        for task in ended:
            look_at(task)


def look_at(acknowledged: "asyncio.Future[Any]") -> None:
    """Nobody may be waiting any more; a failure that nobody looks at would be reported as an error."""
    if not acknowledged.cancelled():
        acknowledged.exception()
