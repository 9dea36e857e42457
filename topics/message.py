"""What every message is: a frozen, versioned model, the envelope around it, and who asked."""

from enum import IntEnum, StrEnum
from typing import ClassVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from topics.value import value


class Kind(StrEnum):
    """What a message asks of its reader."""

    COMMAND = "command"
    """An intent: applied or refused, journaled either way."""
    FACT = "fact"
    """An observation: never refused by a rule, ordered by the object it describes."""
    RESULT = "result"
    """What came of an effect that somebody may wait for: never refused by a rule, on the lane of commands."""
    EVENT = "event"
    """Something that happened here, told to everyone downstream."""


class Role(StrEnum):
    """On whose behalf somebody acts."""

    CUSTOMER = "customer"
    SERVICE = "service"
    SUPPORT = "support"
    SYSTEM = "system"


class Urgency(IntEnum):
    """Whose turn it is when a processor takes only so many requests: who waits for it comes first."""

    CUSTOMER = 0
    """Somebody asked for it and may be looking at the page."""
    WEBHOOK = 1
    """Something was observed, and nobody waits."""
    SWEEP = 2
    """By the thousand: sweeps, repairs, batches."""


@value
class Actor:
    """Who asked and from where: `id` names a token, a service or a member of staff, never a person's data."""

    id: str
    role: Role
    surface: str


class Message(BaseModel):
    """A payload. Its `type` carries the version; a change that breaks readers is a new type.

    Unknown fields are refused: they are an intent that this release can't honour, so workers are
    deployed before the producers that send a new field.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, ser_json_timedelta="iso8601")

    type: ClassVar[str]
    kind: ClassVar[Kind]


class Command(Message):
    """An intent about one account."""

    kind = Kind.COMMAND


class Fact(Message):
    """An observation about one account, made at a processor or upstream."""

    kind = Kind.FACT


class Result(Message):
    """What came of the effect that a command asked for; deciding about it concludes the operation."""

    kind = Kind.RESULT


class Event(Message):
    """What happened to one account."""

    kind = Kind.EVENT


@value
class Envelope:
    """What the headers say: CloudEvents attributes in binary mode plus our extensions.

    `id` is a UUIDv7 for commands and facts; an event's id is derived from what caused it, so a
    repeated relay can't give one event two names. As read it is text in its usual spelling.
    """

    id: UUID | str
    type: str
    account_id: str
    actor: Actor
    causation_id: str | None = None
    reply_to: str | None = None
    traceparent: str | None = None
    urgency: Urgency | None = None
    """Of what follows from it, where that is not what is usual on its topic."""


@value
class Record:
    """A Kafka record as read: where it stood, when it was written (ms), and its bytes."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...]


@value
class Received:
    """A record understood: the message, its envelope with a UUIDv7 id, and where it came from."""

    record: Record
    id: UUID
    account_id: str
    """The account it is about: 32 hexadecimal characters."""
    envelope: Envelope
    message: Message
