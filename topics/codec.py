"""Between Kafka records and messages: binary-mode CloudEvents, decoded a batch at a time.

Nothing here raises on bad input: a record that can't be understood becomes a `Rejected` with its
reason, which the loop turns into a dead letter in the same transaction as its neighbours.
Source: CloudEvents 1.0 Kafka protocol binding, 3.2 binary content mode.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Final
from uuid import UUID

from pydantic import ValidationError

from topics import limits
from topics.ids import ACCOUNT_ID, is_uuid7, read_uuid7, uuid7_ms
from topics.message import Actor, Envelope, Kind, Message, Received, Record, Role, Urgency
from topics.registry import MESSAGE_TYPES

CONTENT_TYPE: Final = "application/json"
_MAX_AGE_MS: Final = int(limits.ID_MAX_AGE.total_seconds() * 1000)
_MAX_AHEAD_MS: Final = int(limits.ID_MAX_AHEAD.total_seconds() * 1000)
_ROLES: Final = {role.value: role for role in Role}
URGENCIES: Final = {one.name.lower(): one for one in Urgency}
"""By the word that travels."""
_NUL_BYTE: Final = b"\0"
_NUL: Final = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
"""An escaped NUL; a backslash that is itself escaped before `u0000` is text."""
HEADER_NAMES: Final = frozenset(
    {
        "ce_specversion",
        "ce_id",
        "ce_type",
        "ce_source",
        "ce_subject",
        "ce_actor",
        "ce_actorrole",
        "ce_causationid",
        "ce_replyto",
        "ce_urgency",
        "content-type",
        "traceparent",
    }
)
"""What the codec writes. Other names are let through and not read."""


class Reason(StrEnum):
    """Why a record became a dead letter. Bounded, so it may label a metric."""

    NO_BODY = "no_body"
    OVERSIZED = "oversized"
    BAD_HEADER = "bad_header"
    UNKNOWN_TYPE = "unknown_type"
    WRONG_LANE = "wrong_lane"
    BAD_ID = "bad_id"
    SKEWED_ID = "skewed_id"
    BAD_KEY = "bad_key"
    BAD_BODY = "bad_body"
    DISCARDED = "discarded"
    UNKNOWN_CUSTOMER = "unknown_customer"


@dataclass(frozen=True, slots=True)
class Rejected:
    """A record that can't be applied, why, and what a person needs to know (no personal data)."""

    record: Record
    reason: Reason
    detail: str


class _Bad(Exception):
    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason, self.detail = reason, detail


def decode(records: Iterable[Record], kinds: frozenset[Kind]) -> list[Received | Rejected]:
    """Understand each record, in order; one of a kind outside `kinds` stands on the wrong lane."""
    decoded: list[Received | Rejected] = []
    for record in records:
        try:
            decoded.append(_decode(record, kinds))
        except _Bad as bad:
            decoded.append(Rejected(record, bad.reason, bad.detail))
    return decoded


def _decode(record: Record, kinds: frozenset[Kind]) -> Received:
    if record.value is None:
        raise _Bad(Reason.NO_BODY, "the record has no body")
    if len(record.value) > limits.MAX_BODY_BYTES:
        raise _Bad(Reason.OVERSIZED, f"the body has more than {limits.MAX_BODY_BYTES} bytes")
    headers = _headers(record)
    model = MESSAGE_TYPES.get(headers.get("ce_type", ""))
    if model is None:
        raise _Bad(Reason.UNKNOWN_TYPE, f"no message type {headers.get('ce_type', '')[:100]!r}")
    if model.kind not in kinds:
        raise _Bad(Reason.WRONG_LANE, f"{model.type} is a {model.kind.value}, which this lane does not carry")
    command_id, name = _id(headers.get("ce_id", ""), record.timestamp_ms)
    account_id = _account(record.key, headers.get("ce_subject", ""))
    return Received(
        record,
        command_id,
        account_id,
        _envelope(name, model, account_id, headers),
        _body(model, record.value),
    )


def _headers(record: Record) -> dict[str, str]:
    """The headers as text; nearly always all of them are plain, which one look at all values tells."""
    try:
        names, values = zip(*record.headers, strict=True)
        together = _NUL_BYTE.join(values)
        headers = dict(zip(names, together.decode("ascii").split("\0"), strict=True))
    except (ValueError, TypeError):
        # Not ASCII, a NUL inside, no header at all, or one without a value.
        return _checked_headers(record)
    plain = (
        len(headers) == len(names)
        and headers.keys() <= HEADER_NAMES
        and len(together) <= limits.MAX_HEADER_BYTES
    )
    return headers if plain else _checked_headers(record)


def _checked_headers(record: Record) -> dict[str, str]:
    headers: dict[str, str] = {}
    for name, value in record.headers:
        if name not in HEADER_NAMES and not _is_text(name):
            raise _Bad(Reason.BAD_HEADER, f"the header name {name[:100]!a} is not UTF-8")
        if value is None:
            continue
        if len(value) > limits.MAX_HEADER_BYTES:
            raise _Bad(Reason.BAD_HEADER, f"header {name[:100]!r} is too long")
        try:
            headers[name] = value.decode()
        except UnicodeDecodeError:
            raise _Bad(Reason.BAD_HEADER, f"header {name[:100]!r} is not UTF-8") from None
        if "\0" in headers[name]:
            raise _Bad(Reason.BAD_HEADER, f"header {name[:100]!r} has a NUL")
    return headers


def _is_text(name: str) -> bool:
    """Whether it was UTF-8: consumers/header_names.py gives lone surrogates for what was not."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _id(text: str, timestamp_ms: int) -> tuple[UUID, str]:
    """The id, and its usual spelling."""
    found = read_uuid7(text)
    if found is None:
        found = _unusual_id(text)
        text = str(found)
    age = timestamp_ms - uuid7_ms(found)
    if not -_MAX_AHEAD_MS <= age <= _MAX_AGE_MS:
        raise _Bad(Reason.SKEWED_ID, f"ce_id was made {age} ms before its record was written")
    return found, text


def _unusual_id(text: str) -> UUID:
    try:
        found = UUID(text)
    except ValueError:
        raise _Bad(Reason.BAD_ID, "ce_id is not a UUID") from None
    if not is_uuid7(found):
        raise _Bad(Reason.BAD_ID, "ce_id is not a UUID of version 7")
    return found


def _account(key: bytes | None, subject: str) -> str:
    if not ACCOUNT_ID.fullmatch(subject):
        raise _Bad(Reason.BAD_KEY, "ce_subject is not an account id of 32 hexadecimal characters")
    if key != subject.encode():
        raise _Bad(Reason.BAD_KEY, "the record's key is not the account id in ce_subject")
    return subject


def _envelope(name: str, model: type[Message], account_id: str, headers: dict[str, str]) -> Envelope:
    read = headers.get
    return Envelope(
        name,
        model.type,
        account_id,
        _actor(read("ce_actor"), read("ce_actorrole", ""), read("ce_source", "")),
        read("ce_causationid"),
        read("ce_replyto"),
        read("traceparent"),
        URGENCIES.get(read("ce_urgency", "")),
    )


@lru_cache(maxsize=4096)
def _actor(found: str | None, role: str, surface: str) -> Actor:
    if role not in _ROLES or not found:
        raise _Bad(Reason.BAD_HEADER, "ce_actor and ce_actorrole must say who asks")
    return Actor(found, _ROLES[role], surface)


def holds_nul(body: bytes) -> bool:
    """Whether some text in a JSON body has the character NUL, which PostgreSQL can't keep."""
    return b"\\u0000" in body and _NUL.search(body) is not None


def _body(model: type[Message], value: bytes) -> Message:
    if holds_nul(value):
        raise _Bad(Reason.BAD_BODY, "the body has a NUL character, which no field may hold")
    try:
        found: Message = model.__pydantic_validator__.validate_json(value)
    except ValidationError as error:
        raise _Bad(Reason.BAD_BODY, _explain(error)) from None
    return found


def _explain(error: ValidationError) -> str:
    """Where and what, without the values that were sent."""
    found = error.errors(include_url=False, include_input=False, include_context=False)
    return "; ".join(f"/{'/'.join(map(str, item['loc']))}: {item['msg']}" for item in found[:5])[:1000]


def encode_body(message: Message) -> bytes:
    """The JSON of a message as it travels: fields that were not set stay absent."""
    return message.__pydantic_serializer__.to_json(message, exclude_unset=True)


def header_texts(envelope: Envelope) -> list[tuple[str, str]]:
    """The headers of an envelope as text, absent values left out."""
    actor = envelope.actor
    headers = [
        ("ce_specversion", "1.0"),
        ("ce_id", str(envelope.id)),
        ("ce_type", envelope.type),
        ("ce_source", actor.surface or "/"),
        ("ce_subject", envelope.account_id),
        ("ce_actor", actor.id),
        ("ce_actorrole", str(actor.role)),
        ("content-type", CONTENT_TYPE),
    ]
    if envelope.causation_id:
        headers.append(("ce_causationid", envelope.causation_id))
    if envelope.reply_to:
        headers.append(("ce_replyto", envelope.reply_to))
    if envelope.traceparent:
        headers.append(("traceparent", envelope.traceparent))
    if envelope.urgency is not None:
        headers.append(("ce_urgency", envelope.urgency.name.lower()))
    return headers


def encode_headers(envelope: Envelope) -> list[tuple[str, bytes]]:
    """The headers of an envelope as Kafka takes them."""
    return [(name, value.encode()) for name, value in header_texts(envelope)]
