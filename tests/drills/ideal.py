"""A fleet without faults, in memory: what it leaves behind is evidence that the checker must not mind."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import Any

import orjson

from handlers.account import Account, Part
from handlers.accounts import ACCOUNT
from handlers.decision import Applied, Context, Decision, Failed, Refused
from handlers.payment_method import PAYMENT_METHODS
from handlers.paypal_migration import PAYPAL_MIGRATIONS
from handlers.profiles import PROFILE
from handlers.registry import decide
from handlers.stripe_customers import STRIPE_CUSTOMER
from handlers.subscription import SUBSCRIPTIONS
from state.postgres.journal import Entry
from tests.drills.evidence import PartitionEvidence, RestEvidence
from tests.drills.history import BULK, COMMANDS, FACTS, VALID, History, Planned, partition_of
from topics.codec import decode, encode_body, encode_headers
from topics.message import Envelope, Event, Kind, Received, Record
from topics.table import ACCOUNT_PARTITIONS, DEAD_LETTERS, EVENTS, LANES

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class Ideal:
    """Evidence by partition, and the rest of it."""

    partitions: dict[int, PartitionEvidence]
    letters: list[Record] = field(default_factory=list)
    planned: Counter[str] = field(default_factory=Counter)
    decided: int = 0

    def rest(self) -> RestEvidence:
        """Everything at rest."""
        ends = {
            (topic.name, p): len(self.partitions[p].lanes[lane])
            for lane, topic in LANES.items()
            for p in self.partitions
        }
        rows = sum(len(rows) for found in self.partitions.values() for rows in found.journal.values())
        return RestEvidence(dict(ends), ends, rows, 0, 0, 0, [])


def ideal(seed: int, commands: int) -> Ideal:
    """What a faultless fleet makes of a history."""
    history = History(seed, commands, now=BEGAN.timestamp)
    world = Ideal(
        {
            p: PartitionEvidence(p, {lane: [] for lane in LANES}, [], defaultdict(list))
            for p in range(ACCOUNT_PARTITIONS)
        }
    )
    for planned in chain(history.registrations(), history.rest()):
        _publish(world, planned)
    for found in world.partitions.values():
        for lane in (FACTS, COMMANDS, BULK):
            _apply(world, found, lane)
    return world


def _publish(world: Ideal, planned: Planned) -> None:
    number = world.planned[planned.lane]
    world.planned[planned.lane] += 1
    partition = partition_of(planned.key or b"")
    log = world.partitions[partition].lanes[planned.lane]
    topic = LANES[planned.lane].name
    made = round(BEGAN.timestamp() * 1000)
    headers = tuple(planned.marked(number))
    record = Record(topic, partition, len(log), made, planned.key, planned.value, headers)
    log.append(record)  # type: ignore[attr-defined]
    if planned.expect != VALID:
        origin = (topic, str(partition), str(record.offset))
        told = zip(("dl_topic", "dl_partition", "dl_offset"), origin, strict=True)
        letter = [("dl_reason", planned.expect.encode()), *((name, text.encode()) for name, text in told)]
        world.letters.append(
            Record(DEAD_LETTERS.name, 0, len(world.letters), made, None, planned.value, tuple(letter))
        )


def _apply(world: Ideal, found: PartitionEvidence, lane: str) -> None:
    done = {row.command_id for rows in found.journal.values() for row in rows}
    for received in _valid(found.lanes[lane]):
        if received.id not in done:
            done.add(received.id)
            _decide(world, found, lane, received)


def _valid(records: Iterable[Record]) -> Iterable[Received]:
    wanted = [record for record in records if dict(record.headers)["drill"].endswith(VALID.encode())]  # type: ignore[union-attr]
    return (decoded for decoded in decode(wanted, frozenset(Kind)) if isinstance(decoded, Received))


def _decide(world: Ideal, found: PartitionEvidence, lane: str, received: Received) -> None:
    account_id, world.decided = received.account_id, world.decided + 1
    now = BEGAN + timedelta(seconds=world.decided)
    parts: dict[Part[Any], Any] = {
        ACCOUNT: found.accounts.get(account_id),
        PROFILE: found.profiles.get(account_id),
        SUBSCRIPTIONS: None,
        STRIPE_CUSTOMER: found.customers.get(account_id),
        PAYMENT_METHODS: None,
        PAYPAL_MIGRATIONS: None,
    }
    context = Context(now, received.envelope.actor, received.id)
    decision = decide(Account(account_id, parts), received.message, context)
    if isinstance(decision, Applied):
        after = {**parts, **decision.changes}
        if after[ACCOUNT] is not None:
            found.accounts[account_id] = after[ACCOUNT]
        if after[STRIPE_CUSTOMER] is not None:
            found.customers[account_id] = after[STRIPE_CUSTOMER]
        if after[PROFILE] is not None:
            found.profiles[account_id] = after[PROFILE]
        for number, event in enumerate(decision.events):
            _tell(found, received, event, number)
        if decision.forget:
            found.journal[account_id] = [
                replace(row, body=None, answer=None) for row in found.journal[account_id]
            ]
    found.journal[account_id].append(_entry(lane, received, decision, now))


def _tell(found: PartitionEvidence, received: Received, event: Event, number: int) -> None:
    envelope = Envelope(
        f"{received.id}/{number}",
        event.type,
        received.account_id,
        received.envelope.actor,
        causation_id=str(received.id),
    )
    headers = tuple(encode_headers(envelope))
    key = received.account_id.encode()
    record = Record(EVENTS.name, found.partition, len(found.events), 0, key, encode_body(event), headers)
    found.events.append(record)  # type: ignore[attr-defined]


def _entry(lane: str, received: Received, decision: Decision, now: datetime) -> Entry:
    envelope = received.envelope
    refused = isinstance(decision, Refused)
    return Entry(
        command_id=received.id,
        account_id=received.account_id,
        type=envelope.type,
        lane=lane,
        actor=envelope.actor.id,
        actor_role=envelope.actor.role.value,
        surface=envelope.actor.surface,
        causation_id=None,
        outcome="refused" if refused else "applied",
        code=decision.code.value if isinstance(decision, Refused) else None,
        answer=_answer(decision),
        body=(received.record.value or b"").decode(),
        decided_at=now,
    )


def _answer(decision: Decision) -> str | None:
    assert not isinstance(decision, Failed), "the history has no results of effects"
    if isinstance(decision, Refused):
        problems = [{"pointer": p.pointer, "message": p.message} for p in decision.problems]
        return orjson.dumps({"message": decision.message, "problems": problems}).decode()
    return None if decision.result is None else orjson.dumps(decision.result).decode()
