"""What a handler answers: applied with its consequences, or refused with a reason."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from handlers.account import Part
from topics.codes import Code
from topics.message import Actor, Event
from topics.value import value


@value
class Context:
    """What a handler may know of the moment: the time, who asks, and the command's id."""

    now: datetime
    actor: Actor
    command_id: UUID


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a request: a JSON pointer to the field and what to do about it."""

    pointer: str
    message: str


@dataclass(frozen=True, slots=True)
class EffectRequest:
    """Work owed to the outside world, performed after the commit.

    `kind` names who performs it and `target` the system it goes to; effects of one account at one
    target run one after another. With a `coalesce` key at most one open effect exists for it.
    """

    kind: str
    target: str
    coalesce: str | None = None
    payload: Mapping[str, Any] = field(default_factory=dict)


@value
class Applied:
    """The command holds. `changes` gives the new value of each part that differs.

    No changes at all is a repetition of what already holds: still applied. `result` is what the
    waiting caller is told (JSON-ready), and stays in the journal. `forget` scrubs the bodies and answers
    that the journal holds of the account so far.
    """

    changes: Mapping[Part[Any], Any] = field(default_factory=dict)
    events: tuple[Event, ...] = ()
    effects: tuple[EffectRequest, ...] = ()
    result: Mapping[str, Any] | None = None
    forget: bool = False


@value
class Refused:
    """A rule forbids it: a normal outcome with a stable code and a sentence to act on."""

    code: Code
    message: str
    problems: tuple[Problem, ...] = ()


Decision = Applied | Refused
