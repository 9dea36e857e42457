"""What must have come of an account's messages: the pure handlers folded over them in published order."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import orjson

from handlers.account import Account, Part
from handlers.accounts import ACCOUNT
from handlers.decision import Applied, Context, Decision, Failed, Refused
from handlers.payment_method import PAYMENT_METHODS
from handlers.paypal_migration import PAYPAL_MIGRATIONS
from handlers.profiles import PROFILE
from handlers.registry import HANDLERS, decide
from handlers.stripe_customers import STRIPE_CUSTOMER
from handlers.subscription import SUBSCRIPTIONS
from topics.codec import encode_body
from topics.message import Kind, Received

STATE: Final = (ACCOUNT, PROFILE, STRIPE_CUSTOMER, PAYMENT_METHODS, SUBSCRIPTIONS, PAYPAL_MIGRATIONS)
Times = Mapping[UUID, datetime]
"""When each command was decided, as the journal says: the handlers' `now`."""


@dataclass(frozen=True, slots=True)
class Told:
    """An event that must be on Kafka."""

    id: str
    type: str
    body: Any


@dataclass(frozen=True, slots=True)
class Expected:
    """What must have come of one message.

    The answer is not known where it tells of things that another lane changes. A scrubbed row has lost
    its body and answer to an erasure.
    """

    received: Received
    outcome: str
    code: int | None
    answer: Mapping[str, Any] | None
    answer_is_known: bool
    events: tuple[Told, ...]
    scrubbed: bool = False


@dataclass(slots=True)
class Fate:
    """Everything that must be true of one account."""

    account_id: str
    commands: list[Expected] = field(default_factory=list)
    facts: list[Expected] = field(default_factory=list)
    state: Mapping[Part[Any], Any] = field(default_factory=dict)
    erased: bool = False


def fate(account_id: str, facts: Sequence[Received], commands: Sequence[Received], times: Times) -> Fate:
    """Fold each sequence. A message without a time was never decided and is left out.

    Facts and commands are not ordered among each other, and the history sees to it that they need not
    be: registrations come before all commands, and what facts change later no command reads or writes.
    """
    known = Account(account_id, dict.fromkeys(STATE))
    told = Fate(account_id)
    known = _fold(known, facts, times, told.facts)
    told.state = _fold(known, commands, times, told.commands).parts
    _scrub(told)
    return told


def _fold(account: Account, messages: Iterable[Received], times: Times, told: list[Expected]) -> Account:
    for received in messages:
        if received.id not in times:
            continue
        context = Context(times[received.id], received.envelope.actor, received.id)
        decision = decide(account, received.message, context)
        told.append(_expected(received, decision))
        if isinstance(decision, Applied):
            account = account.with_changes(decision.changes)
    return account


def _expected(received: Received, decision: Decision) -> Expected:
    assert not isinstance(decision, Failed), "the history has no results of effects"
    if isinstance(decision, Refused):
        return Expected(received, "refused", decision.code.value, _refusal(decision), True, ())
    events = tuple(
        Told(f"{received.id}/{n}", event.type, orjson.loads(encode_body(event)))
        for n, event in enumerate(decision.events)
    )
    result = None if decision.result is None else orjson.loads(orjson.dumps(decision.result))
    return Expected(received, "applied", None, result, not _reads_other_lanes(received), events)


def _reads_other_lanes(received: Received) -> bool:
    message = received.message
    return message.kind is Kind.FACT or STRIPE_CUSTOMER in HANDLERS[type(message)].needs


def _refusal(refused: Refused) -> dict[str, Any]:
    problems = [{"pointer": problem.pointer, "message": problem.message} for problem in refused.problems]
    return {"message": refused.message, "problems": problems}


def _scrub(told: Fate) -> None:
    """An erasure takes the words of all commands before it out of the journal."""
    erasures = [n for n, expected in enumerate(told.commands) if _erases(expected)]
    told.erased = bool(erasures)
    for n in range(erasures[-1] if erasures else 0):
        told.commands[n] = replace(told.commands[n], answer=None, answer_is_known=True, scrubbed=True)


def _erases(expected: Expected) -> bool:
    return expected.outcome == "applied" and expected.received.envelope.type == "billing.accounts.erase.v1"
