"""`fleet dead-letters`: what lies there and why, and another try that is safe to repeat."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import replace

import orjson
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from click.testing import Result
from uuid6 import uuid7

from consumers.dead_letters import letter
from tests.consumers.lanes import CUSTOMER, LaneUnderTest, account_id
from topics.codec import Reason, Rejected, decode, encode_body, encode_headers
from topics.ids import uuid7_ms
from topics.message import Envelope, Kind, Record
from topics.profiles import PatchProfile
from topics.table import Topic

pytestmark = [pytest.mark.asyncio, pytest.mark.stack]

Typed = Callable[..., Awaitable[Result]]
MESSAGE = PatchProfile(billing_email="ada@example.com")


def command(lane: LaneUnderTest, account: str) -> Record:
    """A good command as it stood on the lane."""
    envelope = Envelope(uuid7(), MESSAGE.type, account, CUSTOMER, traceparent=f"00-{1:032x}-{1:016x}-01")
    assert not isinstance(envelope.id, str)
    headers = tuple(encode_headers(envelope))
    key, made = account.encode(), uuid7_ms(envelope.id)
    return Record(lane.lane.topic.name, 2, 41, made, key, encode_body(MESSAGE), headers)


async def lie(
    lane: LaneUnderTest,
    topic: Topic,
    record: Record,
    reason: Reason = Reason.UNKNOWN_TYPE,
    *,
    partition: int = 1,
    detail: str = "no such thing",
    without: str = "",
) -> None:
    """A record becomes a dead letter as the loop and the relay would make it one, later than any before it."""
    _, _, key, headers, body = letter(Rejected(record, reason, detail), lane.lane.group)
    await lane.producer.send_and_wait(
        topic.name,
        body,
        key=key.encode() if key else None,
        partition=partition,
        headers=[(name, value.encode()) for name, value in orjson.loads(headers) if name != without],
    )
    await asyncio.sleep(0.005)  # the broker tells the time, in milliseconds


async def on_the_lane(lane: LaneUnderTest) -> list[Record]:
    """Everything that was published to the lane."""
    found: list[Record] = []
    async with AIOKafkaConsumer(bootstrap_servers=lane.stack.kafka_bootstrap) as consumer:
        places = [TopicPartition(lane.lane.topic.name, p) for p in range(lane.lane.topic.partitions)]
        consumer.assign(places)
        await consumer.seek_to_beginning(*places)
        ends = await consumer.end_offsets(places)
        for place in places:
            while await consumer.position(place) < ends[place]:
                for r in (await consumer.getmany(place, timeout_ms=1000)).get(place, ()):
                    found.append(
                        Record(r.topic, r.partition, r.offset, r.timestamp, r.key, r.value, r.headers)
                    )
    return found


async def test_the_newest_letters_are_listed_with_their_cause_and_without_their_bodies(
    commands: LaneUnderTest, dead_letters: Topic, typed: Typed
) -> None:
    assert "There are no such dead letters" in (await typed("dead-letters", "list")).output
    account = account_id()
    record = command(commands, account)
    for number in range(3):
        await lie(commands, dead_letters, record, detail=f"detail {number}", partition=number)
    await lie(commands, dead_letters, replace(record, key=b"\x1b", value=None), Reason.NO_BODY)
    listed = await typed("dead-letters", "list")
    assert listed.exit_code == 0
    for word in (account, "unknown_type", MESSAGE.type, f"{commands.lane.topic.name}/2@41", "no_body"):
        assert word in listed.output
    assert re.search(r"\b\d+ s\b", listed.output), "how old each is"
    assert "ada@example.com" not in listed.output
    assert "ada@example.com" in (await typed("dead-letters", "list", "--body")).output
    newest = (await typed("dead-letters", "list", "--limit", "2")).output
    assert "detail 2" in newest
    assert "detail 1" not in newest
    only = (await typed("dead-letters", "list", "--reason", "no_body")).output
    assert "no_body" in only
    assert "unknown_type" not in only


async def test_letters_name_their_owner_and_those_from_before_that_was_told_do_too(
    commands: LaneUnderTest, dead_letters: Topic, typed: Typed
) -> None:
    record = command(commands, account_id())
    await lie(commands, dead_letters, record, Reason.UNKNOWN_CUSTOMER, detail="of today")
    await lie(commands, dead_letters, record, Reason.DISCARDED, detail="of old", without="dl_owner")
    await lie(commands, dead_letters, record, Reason.BAD_BODY, detail="of a publisher", without="dl_owner")
    every = (await typed("dead-letters", "list")).output
    assert {"support", "publisher", "owner"} <= set(every.split())
    only = (await typed("dead-letters", "list", "--owner", "support")).output
    assert "of today" in only
    assert "of old" in only
    assert "of a publisher" not in only
    assert "is for support to act on" in (await typed("dead-letters", "replay", "1", "1")).output


async def test_a_replay_shows_what_would_go_and_publishes_the_original_after_a_yes(
    commands: LaneUnderTest, dead_letters: Topic, typed: Typed
) -> None:
    record = command(commands, account_id())
    await lie(commands, dead_letters, command(commands, account_id()))
    await lie(commands, dead_letters, record)
    shown = await typed("dead-letters", "replay", "1", "1")
    assert shown.exit_code == 0
    assert f"would go to {commands.lane.topic.name}" in shown.output
    assert "Nothing was published" in shown.output
    assert "ada@example.com" not in shown.output
    assert "ada@example.com" in (await typed("dead-letters", "replay", "1", "1", "--body")).output
    assert await on_the_lane(commands) == []
    assert (await typed("dead-letters", "replay", "1", "1", "--yes")).exit_code == 0
    (again,) = await on_the_lane(commands)
    assert (again.key, again.value, again.headers) == (record.key, record.value, record.headers)


async def test_what_would_die_again_goes_only_by_force(
    commands: LaneUnderTest, dead_letters: Topic, typed: Typed
) -> None:
    await lie(
        commands, dead_letters, replace(command(commands, account_id()), value=b'{"x": 1}'), Reason.BAD_BODY
    )
    refused = await typed("dead-letters", "replay", "1", "0", "--yes")
    assert refused.exit_code == 1
    assert "would become a dead letter again: bad_body, /x: Extra inputs" in refused.output
    assert await on_the_lane(commands) == []
    assert (await typed("dead-letters", "replay", "1", "0", "--yes", "--force")).exit_code == 0
    assert len(await on_the_lane(commands)) == 1


async def test_a_discarded_command_needs_a_new_id(
    commands: LaneUnderTest, dead_letters: Topic, typed: Typed
) -> None:
    record = command(commands, account_id())
    await lie(commands, dead_letters, record, Reason.DISCARDED)
    refused = await typed("dead-letters", "replay", "1", "0", "--yes")
    assert (refused.exit_code, "Say --new-id" in refused.output) == (1, True)
    done = await typed("dead-letters", "replay", "1", "0", "--yes", "--new-id")
    assert done.exit_code == 0
    (again,) = decode(await on_the_lane(commands), frozenset({Kind.COMMAND}))
    assert not isinstance(again, Rejected)
    assert f"`fleet operation {again.id}`" in done.output
    assert dict(record.headers)["ce_id"] != str(again.id).encode()
    assert again.message == MESSAGE


async def test_a_key_that_was_no_account_gives_way_to_the_subject(
    commands: LaneUnderTest, dead_letters: Topic, typed: Typed
) -> None:
    account = account_id()
    await lie(commands, dead_letters, replace(command(commands, account), key=b"me"), Reason.BAD_KEY)
    done = await typed("dead-letters", "replay", "1", "0", "--yes")
    assert (done.exit_code, "this is its ce_subject" in done.output) == (0, True)
    (again,) = await on_the_lane(commands)
    assert again.key == account.encode()


async def test_headers_that_were_not_kept_are_not_published_as_if_they_were(
    commands: LaneUnderTest, dead_letters: Topic, typed: Typed
) -> None:
    record = command(commands, account_id())
    odd = replace(record, headers=(*record.headers, ("note", b"\xff")))
    await lie(commands, dead_letters, odd, Reason.BAD_HEADER)
    refused = await typed("dead-letters", "replay", "1", "0", "--yes")
    assert (refused.exit_code, "not kept as they were received" in refused.output) == (1, True)


async def test_only_what_came_from_a_lane_is_published_again(
    commands: LaneUnderTest, dead_letters: Topic, typed: Typed
) -> None:
    await lie(commands, dead_letters, replace(command(commands, account_id()), topic="billing.events.v1"))
    refused = await typed("dead-letters", "replay", "1", "0", "--yes")
    assert (refused.exit_code, "which is no lane" in refused.output) == (1, True)


async def test_a_letter_that_is_not_there_is_a_sentence(
    commands: LaneUnderTest, dead_letters: Topic, typed: Typed
) -> None:
    assert "/0 is empty" in (await typed("dead-letters", "replay", "0", "0")).output
    await lie(commands, dead_letters, command(commands, account_id()))
    missing = await typed("dead-letters", "replay", "1", "1", "--yes")
    assert (missing.exit_code, "/1 holds 0 to 0" in missing.output) == (2, True)
