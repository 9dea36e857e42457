"""Publishing: acknowledged, keyed, given up for good, and alive again after a fatal error."""

import asyncio
import gc
from types import SimpleNamespace
from typing import Any, cast

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.client import AIOKafkaClient
from aiokafka.cluster import ClusterMetadata
from aiokafka.errors import KafkaConnectionError, OutOfOrderSequenceNumber
from aiokafka.producer.message_accumulator import MessageAccumulator
from aiokafka.producer.sender import SendProduceReqHandler
from aiokafka.protocol.produce import ProduceRequest

from producers.publisher import NotPublishedError, Publisher
from producers.trace import new_id, traceparent
from state.kafka import drop
from tests.conftest import Stack
from tests.consumers.lanes import CUSTOMER, LaneUnderTest, account_id
from topics.codec import encode_body
from topics.message import Envelope
from topics.profiles import DeleteProfile

pytestmark = [pytest.mark.asyncio, pytest.mark.stack]

BODY = encode_body(DeleteProfile())


def envelope(account: str) -> Envelope:
    return Envelope(new_id(), DeleteProfile.type, account, CUSTOMER, traceparent=traceparent(None))


async def keys(stack: Stack, lane: LaneUnderTest, count: int) -> list[str]:
    """The keys of the topic's records; one more than `count` would be found."""
    consumer = AIOKafkaConsumer(
        lane.lane.topic.name, bootstrap_servers=stack.kafka_bootstrap, auto_offset_reset="earliest"
    )
    await consumer.start()
    found: list[str] = []
    try:
        while len(found) < count:
            for records in (await consumer.getmany(timeout_ms=1000)).values():
                found += [record.key.decode() for record in records]
        ends = await consumer.end_offsets(consumer.assignment())
        assert sum(ends.values()) == len(found)
    finally:
        await consumer.stop()
    return found


async def test_a_message_is_keyed_by_its_account(stack: Stack, idle_lane: LaneUnderTest) -> None:
    accounts = [account_id() for _ in range(20)]
    async with Publisher(stack.kafka_bootstrap, client_id="test") as publisher:
        await asyncio.gather(
            *(publisher.publish(idle_lane.lane.topic.name, envelope(account), BODY) for account in accounts)
        )
    assert sorted(await keys(stack, idle_lane, 20)) == sorted(accounts)


async def test_without_a_broker_it_is_certain_that_nothing_was_published() -> None:
    async with Publisher("127.0.0.1:1", client_id="test", deadline=0.3) as publisher:
        with pytest.raises(NotPublishedError) as error:
            await publisher.publish("x", envelope(account_id()), BODY)
    assert not error.value.maybe


async def test_a_broker_that_never_answers_is_given_up() -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, Publisher(f"127.0.0.1:{port}", client_id="test", deadline=0.3) as publisher:
        with pytest.raises(NotPublishedError):
            await publisher.publish("x", envelope(account_id()), BODY)
        with pytest.raises(NotPublishedError):
            await publisher.check()


async def test_what_was_given_up_is_not_sent_later(
    stack: Stack, idle_lane: LaneUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A customer who was told to try again must not find the old change over a newer one."""
    topic, lost, newer = idle_lane.lane.topic.name, account_id(), account_id()
    send = AIOKafkaClient.send

    async def cut(self: AIOKafkaClient, node: int, request: Any, **options: Any) -> Any:
        if isinstance(request, ProduceRequest):
            await asyncio.Event().wait()
        return await send(self, node, request, **options)

    async with Publisher(stack.kafka_bootstrap, client_id="test", deadline=1.0) as publisher:
        await publisher.check()
        monkeypatch.setattr(AIOKafkaClient, "send", cut)
        with pytest.raises(NotPublishedError) as error:
            await publisher.publish(topic, envelope(lost), BODY)
        assert error.value.maybe
        monkeypatch.setattr(AIOKafkaClient, "send", send)
        await publisher.publish(topic, envelope(newer), BODY)
    assert await keys(stack, idle_lane, 1) == [newer]


async def test_a_fatal_error_of_idempotence_is_survived(
    stack: Stack, idle_lane: LaneUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    topic, accounts = idle_lane.lane.topic.name, [account_id() for _ in range(5)]
    do, failures = SendProduceReqHandler.do, [OutOfOrderSequenceNumber()]

    async def fails_once(self: SendProduceReqHandler, node: int) -> None:
        if failures:
            raise failures.pop()
        await do(self, node)

    monkeypatch.setattr(SendProduceReqHandler, "do", fails_once)
    async with Publisher(stack.kafka_bootstrap, client_id="test") as publisher:
        await asyncio.gather(*(publisher.publish(topic, envelope(account), BODY) for account in accounts))
    assert set(await keys(stack, idle_lane, 5)) == set(accounts)


async def test_messages_left_in_an_abandoned_producer_are_no_error_of_the_process() -> None:
    async def nothing() -> None:
        """Nothing to close."""

    messages = MessageAccumulator(ClusterMetadata(), 16_384, 0, 60)
    producer = SimpleNamespace(
        _sender=SimpleNamespace(sender_task=None, close=nothing),
        _message_accumulator=messages,
        client=SimpleNamespace(close=nothing),
    )
    reported: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: reported.append(context))
    try:
        sent = await messages.add_message(TopicPartition("x", 0), b"key", BODY, 1)
        await drop(cast(AIOKafkaProducer, producer))
        assert isinstance(sent.exception(), KafkaConnectionError)
        del sent, messages, producer
        gc.collect()
        await asyncio.sleep(0)
    finally:
        asyncio.get_running_loop().set_exception_handler(None)
    assert reported == []
