"""What a batch amounts to: the pure handlers folded over its messages in order, as rows to write."""

from collections import Counter, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import orjson
import structlog
from uuid6 import uuid7

from consumers.dead_letters import asked_for, letter
from consumers.lane import Lane
from handlers.account import Account, Part
from handlers.decision import Applied, Context, Decision, EffectRequest, Failed, Refused
from handlers.dispatch import only_support
from handlers.registry import decide
from state.postgres import outbox, parking
from state.postgres.effects import QUIET, EffectRow
from state.postgres.journal import ACCEPTED, Outcome
from state.postgres.outbox import OutboxRow
from state.postgres.parking import ParkedRow
from state.redis.operations import Underway
from topics.codec import Reason, Rejected
from topics.codes import Code
from topics.message import Envelope, Event, Received, Urgency
from topics.parking import MESSAGES as PARKING_MESSAGES
from topics.parking import DiscardParked
from topics.table import EVENTS

log = structlog.get_logger()

MOST_RELEASED: Final = 5_000
"""By one release: decided in well under the time that a transaction may idle."""
_ID_OF_ANOTHER: Final = "ce_id was used for another account before"


@dataclass(frozen=True, slots=True)
class Loaded:
    """What the transaction read under its locks: accounts, who is parked and what waits on their shelves.

    `decided` gives the account of each command, among those of the batch and the shelves, that has an outcome.
    """

    accounts: Mapping[str, Account]
    parked: frozenset[str]
    shelves: Mapping[str, Sequence[Received | Rejected]]
    decided: Mapping[UUID, str]


@dataclass(frozen=True, slots=True)
class Suspicion:
    """What the database could not take even alone, by its error: it is parked or refused undecided.

    A release is not to blame itself but something it releases: it gets on by `release_at_most` commands.
    """

    errors: Mapping[UUID, str] = field(default_factory=dict)
    release_at_most: int | None = None


@dataclass(slots=True)
class Rows:
    """What a batch writes."""

    changed: dict[Part[Any], dict[str, Any]] = field(default_factory=dict)
    journal: list[tuple[Any, ...]] = field(default_factory=list)
    outbox: list[OutboxRow] = field(default_factory=list)
    effects: list[EffectRow] = field(default_factory=list)
    parked: list[ParkedRow] = field(default_factory=list)
    unshelved: list[tuple[str, UUID]] = field(default_factory=list)
    errors: list[tuple[str, UUID, str]] = field(default_factory=list)
    forget: set[str] = field(default_factory=set)
    park: set[str] = field(default_factory=set)
    unpark: set[str] = field(default_factory=set)


class Fold:
    """Goes through a batch once. Decisions see what earlier messages of the batch left behind."""

    def __init__(self, lane: Lane, loaded: Loaded, now: datetime, suspicion: Suspicion) -> None:
        self.rows = Rows()
        self.outcomes: list[tuple[str, Outcome]] = []
        self.tally: Counter[tuple[str, str]] = Counter()
        self.dead: Counter[str] = Counter()
        self.given_up: list[tuple[UUID, Underway]] = []
        self._lane, self._now, self._suspicion = lane, now, suspicion
        self._accounts = dict(loaded.accounts)
        self._parked = set(loaded.parked)
        self._shelves = {account: deque(shelf) for account, shelf in loaded.shelves.items()}
        self._decided = dict(loaded.decided)

    def reject(self, rejected: Rejected) -> None:
        """Nothing is dropped: what can't be applied becomes a dead letter. Whoever asked for it can see that."""
        self._give_up(rejected)
        if operation := asked_for(rejected.record):
            self.given_up.append(operation)

    def _give_up(self, rejected: Rejected) -> None:
        self.rows.outbox.append(letter(rejected, self._lane.group))
        self.dead[rejected.reason.value] += 1

    def take(self, received: Received) -> None:
        """Decide about one message, or set it aside with its account. A repeated one was decided before.

        An id that was used for another account is a fault of its sender, not a duplicate.
        """
        if owner := self._decided.get(received.id):
            if owner != received.account_id:
                self._give_up(Rejected(received.record, Reason.BAD_ID, _ID_OF_ANOTHER))
        else:
            self._consider(received)

    def _consider(self, received: Received) -> None:
        if type(received.message) in PARKING_MESSAGES:
            self._move_on(received)
        elif received.account_id in self._parked:
            self._set_aside(received, None)
        elif error := self._attempt(received):
            self._set_aside(received, error)

    def _move_on(self, received: Received) -> None:
        """An operator deals with what is parked."""
        if refused := only_support(received.envelope.actor, "move parked commands"):
            self._record(received, "refused", refused.code, _refusal(refused))
        elif isinstance(received.message, DiscardParked):
            self._discard(received, received.message)
        else:
            self._release(received)

    def _attempt(self, received: Received) -> str | None:
        """Decide and note the consequences; the error of a handler that fails, which changes nothing."""
        if self._suspicion.errors and (error := self._suspicion.errors.get(received.id)):
            return error
        account = self._accounts[received.account_id]
        context = Context(self._now, received.envelope.actor, received.id, self._lane.policy)
        try:
            decision = decide(account, received.message, context)
            events = self._events(received, decision)
        except Exception as defect:
            log.exception("handler_failed", type=received.envelope.type, command_id=str(received.id))
            return f"{type(defect).__name__} in the handler"
        self.rows.outbox.extend(events)
        self._settle(received, decision)
        return None

    def _settle(self, received: Received, decision: Decision) -> None:
        refused = decision.refused if isinstance(decision, Failed) else decision
        applied = decision.applied if isinstance(decision, Failed) else decision
        if isinstance(applied, Applied):
            self._apply(received, applied)
        if isinstance(refused, Refused):
            self._record(received, "refused", refused.code, _refusal(refused))
        else:
            outcome = "applied" if refused.concludes else ACCEPTED
            self._record(received, outcome, None, refused.result)

    def _apply(self, received: Received, applied: Applied) -> None:
        account = self._accounts[received.account_id]
        if applied.changes:
            self._accounts[account.id] = account.with_changes(applied.changes)
            for part, value in applied.changes.items():
                self.rows.changed.setdefault(part, {})[account.id] = value
        reply_to = None if applied.concludes else received.envelope.reply_to
        self.rows.effects.extend(self._effect(received, effect, reply_to) for effect in applied.effects)
        if applied.forget:
            self._forget(account.id)

    def _forget(self, account_id: str) -> None:
        """Scrub what was said of the account: rows of earlier batches, and those of this one up to here."""
        self.rows.forget.add(account_id)
        self.rows.journal = [
            (*entry[:10], None, None) if entry[1] == account_id else entry for entry in self.rows.journal
        ]

    def _record(
        self, received: Received, outcome: str, code: Code | None, answer: Mapping[str, Any] | None
    ) -> None:
        envelope = received.envelope
        text = orjson.dumps(answer).decode() if answer is not None else None
        number = code.value if code else None
        self.rows.journal.append(
            (
                received.id,
                envelope.account_id,
                envelope.type,
                self._lane.name,
                envelope.actor.id,
                envelope.actor.role,
                envelope.actor.surface,
                envelope.causation_id,
                outcome,
                number,
                text,
                (received.record.value or b"").decode(),
            )
        )
        self._decided[received.id] = envelope.account_id
        self.tally[envelope.type, outcome] += 1
        if envelope.reply_to:
            told = Outcome(received.id, envelope.account_id, outcome, number, text)
            self.outcomes.append((envelope.reply_to, told))

    def _events(self, received: Received, decision: Decision) -> list[OutboxRow]:
        if isinstance(decision, Failed):
            decision = decision.applied
        if not isinstance(decision, Applied):
            return []
        urgency = self._urgency(received)
        told = urgency if urgency is not Urgency.CUSTOMER else None  # the usual one of events
        return [self._event(received.envelope, event, n, told) for n, event in enumerate(decision.events)]

    def _urgency(self, received: Received) -> Urgency:
        found = received.envelope.urgency
        return self._lane.urgency if found is None else found

    def _event(self, asked: Envelope, event: Event, position: int, urgency: Urgency | None) -> OutboxRow:
        """An event is named after its command, so telling it twice gives it no second name."""
        envelope = Envelope(
            id=f"{asked.id}/{position}",
            type=event.type,
            account_id=asked.account_id,
            actor=asked.actor,
            causation_id=str(asked.id),
            traceparent=asked.traceparent,
            urgency=urgency,
        )
        return outbox.message_row(EVENTS.name, envelope, event)

    def _effect(self, received: Received, effect: EffectRequest, reply_to: str | None) -> EffectRow:
        """`reply_to` is for the effect that concludes what was asked for."""
        urgency = self._urgency(received)
        return EffectRow(
            received.account_id,
            uuid7(),
            effect.kind,
            effect.target,
            effect.coalesce,
            orjson.dumps(effect.payload).decode(),
            str(received.envelope.id),
            reply_to,
            effect.after,
            urgency,
            QUIET if effect.settles and urgency is not Urgency.CUSTOMER else None,
        )

    def _set_aside(self, received: Received, error: str | None) -> None:
        if error:
            self._park(received.account_id)
        shelf = self._shelves.setdefault(received.account_id, deque())
        if all(_id_of(shelved) != received.id for shelved in shelf):
            shelf.append(received)
        self.rows.parked.append(parking.row(received, self._lane.name, error, self._now))
        self.tally[received.envelope.type, "parked"] += 1

    def _release(self, received: Received) -> None:
        """Apply the shelf in order until one fails again; later commands queue behind what is left."""
        account_id, released = received.account_id, 0
        shelf = self._shelves.get(account_id, deque())
        error = self._suspicion.errors.get(received.id) if self._suspicion.release_at_most == 0 else None
        most = self._suspicion.release_at_most
        most = MOST_RELEASED if most is None else most
        while shelf and error is None and released < most:
            error = self._retry(shelf[0])
            if error is None:
                self._unshelve(account_id, _id_of(shelf.popleft()))
                released += 1
        if shelf:
            self._park(account_id)
        else:
            self._open_again(account_id)
        if shelf and error:
            self.rows.errors.append((account_id, _id_of(shelf[0]), error))
        self._record(received, "applied", None, {"released": released, "remaining": len(shelf)})

    def _retry(self, shelved: Received | Rejected) -> str | None:
        if isinstance(shelved, Rejected):
            return f"{shelved.reason.value}: {shelved.detail}"
        if owner := self._decided.get(shelved.id):
            return None if owner == shelved.account_id else f"{Reason.BAD_ID.value}: {_ID_OF_ANOTHER}"
        return self._attempt(shelved)

    def _unshelve(self, account_id: str, command_id: UUID) -> None:
        """Off the shelf, be it in the database or only just set aside."""
        self.rows.unshelved.append((account_id, command_id))
        self.rows.parked = [row for row in self.rows.parked if row[:2] != (account_id, command_id)]

    def _discard(self, received: Received, command: DiscardParked) -> None:
        shelf = self._shelves.get(received.account_id, deque())
        found = next((shelved for shelved in shelf if _id_of(shelved) == command.command_id), None)
        if refusal := self._undiscardable(received, found):
            self._record(received, "refused", refusal.code, _refusal(refusal))
            return
        assert found is not None
        shelf.remove(found)
        self._unshelve(received.account_id, command.command_id)
        given_up = Rejected(found.record, Reason.DISCARDED, command.reason)
        if isinstance(found, Rejected):
            self.reject(given_up)
        else:
            self._give_up(given_up)
        if isinstance(found, Received) and found.id not in self._decided:
            answer = {"message": "Support discarded this request.", "problems": []}
            self._record(found, "discarded", Code.DISCARDED, answer)
        if not shelf:
            self._open_again(received.account_id)
        self._record(
            received, "applied", None, {"discarded": str(command.command_id), "remaining": len(shelf)}
        )

    def _undiscardable(self, received: Received, found: Received | Rejected | None) -> Refused | None:
        if found is None:
            return Refused(Code.NOT_FOUND, "No such command is parked for this account.")
        if error := self._suspicion.errors.get(received.id):
            return Refused(Code.INTERNAL, f"The command can't be discarded: {error}.")
        return None

    def _park(self, account_id: str) -> None:
        self._parked.add(account_id)
        self.rows.park.add(account_id)
        self.rows.unpark.discard(account_id)

    def _open_again(self, account_id: str) -> None:
        self._parked.discard(account_id)
        self.rows.park.discard(account_id)
        self.rows.unpark.add(account_id)

    @property
    def accounts(self) -> Mapping[str, Account]:
        """The accounts as the batch leaves them."""
        return self._accounts


def _id_of(shelved: Received | Rejected) -> UUID:
    if isinstance(shelved, Received):
        return shelved.id
    return UUID((dict(shelved.record.headers)["ce_id"] or b"").decode())


def _refusal(refused: Refused) -> dict[str, Any]:
    problems = [{"pointer": problem.pointer, "message": problem.message} for problem in refused.problems]
    return {"message": refused.message, "problems": problems}
