"""The AsyncAPI document says what the code does: every topic, message, header, and where they meet."""

from typing import Any

import orjson
import pytest

from consumers.dead_letters import letter
from producers.webhooks.received import Webhook
from tests.topics.messages import record_of
from topics.accounts import SetFlag
from topics.asyncapi import DEAD_LETTER, WEBHOOKS, document
from topics.codec import HEADER_NAMES, Reason, Rejected
from topics.registry import EXAMPLES, MESSAGE_TYPES
from topics.table import DEAD_LETTERS, TOPICS

DOCUMENT = document()
MESSAGES = DOCUMENT["components"]["messages"]


def resolve(reference: str) -> Any:
    """What a local reference points to."""
    found: Any = DOCUMENT
    for step in reference.removeprefix("#/").split("/"):
        found = found[step]
    return found


def references(value: Any) -> list[str]:
    """Every reference in the document."""
    if isinstance(value, dict):
        own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
        return own + [found for inner in value.values() for found in references(inner)]
    return [found for inner in value for found in references(inner)] if isinstance(value, list) else []


def test_every_reference_leads_somewhere() -> None:
    found = references(DOCUMENT)
    assert len(found) > 100
    for reference in found:
        assert resolve(reference)


def test_every_topic_is_a_channel_as_the_table_has_it() -> None:
    channels = {channel["address"]: channel for channel in DOCUMENT["channels"].values()}
    assert list(channels) == [topic.name for topic in TOPICS]
    for topic in TOPICS:
        binding = channels[topic.name]["bindings"]["kafka"]
        assert binding["partitions"] == topic.partitions
        assert topic.retention is not None
        assert binding["topicConfiguration"]["retention.ms"] == topic.retention.total_seconds() * 1000
        assert binding["topicConfiguration"]["max.message.bytes"] == topic.max_bytes


def test_every_message_type_is_on_a_channel_and_nothing_else_is() -> None:
    carried = {name for channel in DOCUMENT["channels"].values() for name in channel["messages"]}
    assert carried == {*MESSAGE_TYPES, *WEBHOOKS, DEAD_LETTER} == set(MESSAGES)


@pytest.mark.parametrize("name", sorted(WEBHOOKS))
def test_a_webhook_is_on_its_own_channel_with_the_headers_that_are_written(name: str) -> None:
    (channel,) = [one for one in DOCUMENT["channels"].values() if name in one["messages"]]
    assert (channel["address"], list(channel["messages"])) == (WEBHOOKS[name].name, [name])
    written = Webhook(WEBHOOKS[name].name, "id", "type", "key", b"", 1).headers()
    assert [header for header, _ in written] == list(MESSAGES[name]["headers"]["properties"])
    (example,) = MESSAGES[name]["examples"]
    assert list(example["headers"]) == [header for header, _ in written]


def test_every_channel_is_written_and_all_but_the_dead_letters_are_read() -> None:
    used: dict[str, set[str]] = {}
    for operation in DOCUMENT["operations"].values():
        address = resolve(operation["channel"]["$ref"])["address"]
        used.setdefault(address, set()).add(operation["action"])
    assert used.pop(DEAD_LETTERS.name) == {"send"}
    assert set(map(frozenset, used.values())) == {frozenset({"send", "receive"})}


@pytest.mark.parametrize("name", sorted(MESSAGE_TYPES))
def test_every_message_has_a_summary_a_payload_and_an_example_that_decodes(name: str) -> None:
    message = MESSAGES[name]
    (example,) = message["examples"]
    assert message["summary"].endswith(".")
    assert resolve(message["payload"]["$ref"])["type"] == "object"
    assert example["headers"]["ce_type"] == name
    assert MESSAGE_TYPES[name].model_validate_json(orjson.dumps(example["payload"])) == EXAMPLES[name]


def test_the_headers_are_those_of_the_codec() -> None:
    schemas = DOCUMENT["components"]["schemas"]
    written = {*schemas["CommandHeaders"]["properties"], *schemas["EventHeaders"]["properties"]}
    assert written == HEADER_NAMES


def test_the_headers_of_a_dead_letter_are_those_that_are_written() -> None:
    row = letter(Rejected(record_of(SetFlag(flag="bad_debt")), Reason.BAD_BODY, "why"), "group")
    own = [name for name, _ in orjson.loads(row[3]) if name.startswith("dl_")]
    assert own == list(MESSAGES[DEAD_LETTER]["headers"]["properties"])


def test_the_document_is_the_same_each_time() -> None:
    assert orjson.dumps(document()) == orjson.dumps(DOCUMENT)
