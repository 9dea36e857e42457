"""An entry of the corpus: headers and body as they travelled, and what they must be read as."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
from uuid6 import uuid7

from topics.codec import Rejected, decode, encode_body, header_texts
from topics.ids import uuid7_ms
from topics.message import Actor, Envelope, Kind, Message, Record, Role
from topics.registry import EXAMPLES, MESSAGE_TYPES

FOLDER = Path(__file__).parent
ACCOUNT = "023e105f4ecef8ad9ca31a8372d0c353"
ACTOR = Actor("service:corpus", Role.SERVICE, "/corpus")


class UnreadableError(Exception):
    """A message of the corpus can't be read any more."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A message as it stood in Kafka. `reads_as` holds its fields as they were set, JSON-ready."""

    headers: dict[str, str]
    body: str
    timestamp_ms: int
    reads_as: dict[str, Any]

    @property
    def type(self) -> str:
        """The message type."""
        return self.headers["ce_type"]


def paths(folder: Path = FOLDER) -> list[Path]:
    """All entries: a folder per message type, a file per variant."""
    return sorted(folder.glob("*/*.json"))


def load(path: Path) -> Entry:
    """An entry from its file."""
    return Entry(**orjson.loads(path.read_bytes()))


def entries(folder: Path = FOLDER) -> Iterator[Entry]:
    """Every entry there is."""
    return map(load, paths(folder))


def read(entry: Entry) -> dict[str, Any]:
    """What today's code reads. Raises `UnreadableError`."""
    found: dict[str, Any] = _message(entry).model_dump(mode="json", exclude_unset=True)
    return found


def _message(entry: Entry) -> Message:
    model = MESSAGE_TYPES.get(entry.type)
    if model is None:
        raise UnreadableError(f"there is no type {entry.type} any more")
    if model.kind is Kind.EVENT:
        return model.model_validate_json(entry.body)
    headers = tuple((name, text.encode()) for name, text in entry.headers.items())
    key, body = entry.headers["ce_subject"].encode(), entry.body.encode()
    (found,) = decode([Record("", 0, 0, entry.timestamp_ms, key, body, headers)], frozenset(Kind))
    if isinstance(found, Rejected):
        raise UnreadableError(f"{entry.type}: {found.reason}: {found.detail}")
    return found.message


def add(message_type: str, variant: str, body: str, folder: Path = FOLDER) -> Path:
    """Keep a body as today's code reads it. Raises `FileExistsError` and `UnreadableError`."""
    command_id = uuid7()
    made_id: UUID | str = command_id
    if message_type in MESSAGE_TYPES and MESSAGE_TYPES[message_type].kind is Kind.EVENT:
        made_id = f"{command_id}/0"
    headers = dict(header_texts(Envelope(made_id, message_type, ACCOUNT, ACTOR)))
    entry = Entry(headers, body, uuid7_ms(command_id), {})
    content = {"headers": headers, "body": body, "timestamp_ms": entry.timestamp_ms, "reads_as": read(entry)}
    path = folder / message_type / f"{variant}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("xb") as file:
        file.write(orjson.dumps(content, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    return path


def add_examples(folder: Path = FOLDER) -> list[Path]:
    """Keep the example of each type unless that very body is kept already."""
    kept = {(entry.type, entry.body) for entry in entries(folder)}
    fresh = [(name, encode_body(example).decode()) for name, example in sorted(EXAMPLES.items())]
    return [add(name, _next(name, folder), body, folder) for name, body in fresh if (name, body) not in kept]


def _next(message_type: str, folder: Path) -> str:
    return f"example-{len(list((folder / message_type).glob('example-*.json'))) + 1}"
