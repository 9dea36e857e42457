"""What a handler answers: applied with its consequences, or refused with a reason."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from handlers.account import Part
from handlers.policy import USUAL, Policy
from topics.codes import Code
from topics.message import Actor, Event
from topics.value import value


@value
class Context:
    """What a handler may know of the moment: the time, who asks, the command's id, and what the business sets."""

    now: datetime
    actor: Actor
    command_id: UUID
    policy: Policy = USUAL


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
    after: timedelta | None = None
    """How much later it is due. Until then it holds up what is owed to the same target after it."""
    settles: bool = False
    """Where nobody waits it is put off for a moment, so that one run answers all that ask for it in a row."""


@value
class Applied:
    """The command holds. `changes` gives the new value of each part that differs.

    No changes at all is a repetition of what already holds: still applied. `result` is what the
    waiting caller is told (JSON-ready), and stays in the journal. `forget` scrubs the bodies and answers
    that the journal holds of the account so far.

    With `concludes` of false the command holds, but what was asked for is only there when the result of an
    effect was decided about (topics/ids.py, `conclusion_id`): the operation goes on until then.
    """

    changes: Mapping[Part[Any], Any] = field(default_factory=dict)
    events: tuple[Event, ...] = ()
    effects: tuple[EffectRequest, ...] = ()
    result: Mapping[str, Any] | None = None
    forget: bool = False
    concludes: bool = True


@value
class Refused:
    """A rule forbids it: a normal outcome with a stable code and a sentence to act on."""

    code: Code
    message: str
    problems: tuple[Problem, ...] = ()


@value
class Failed:
    """What was asked for can't be had, and that leaves its mark: the asker is told `refused`, `applied` holds.

    For results of effects alone; a command that is refused changes nothing.
    """

    refused: Refused
    applied: Applied


Decision = Applied | Refused | Failed
