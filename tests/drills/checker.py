"""Whether every promise was kept, judged from the outside. Pure: evidence in, complaints out."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final
from uuid import UUID

import orjson

from handlers.account import Part
from handlers.accounts import ACCOUNT
from handlers.profiles import PROFILE
from handlers.stripe_customers import STRIPE_CUSTOMER
from state.postgres.journal import Entry
from tests.drills.complaint import Complaint, differing
from tests.drills.evidence import PartitionEvidence, RestEvidence
from tests.drills.history import FACTS, MARK, VALID
from tests.drills.model import Expected, Fate, Told, fate
from topics.codec import decode
from topics.message import Kind, Received, Record

Origin = tuple[str, int, int]
"""Topic, partition and offset of a record."""

_EVERY_KIND: Final = frozenset(Kind)


@dataclass(slots=True)
class Findings:
    """What the check of the partitions adds up to, for the checks over all of them."""

    complaints: list[Complaint] = field(default_factory=list)
    numbers: Counter[str] = field(default_factory=Counter)
    """Different records of the history found on each lane."""
    invalid: dict[Origin, tuple[str, bytes | None]] = field(default_factory=dict)
    """Every record that may not be applied: the reason, and its body."""
    journal_rows: int = 0
    messages: int = 0
    duplicates: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    states: dict[str, Mapping[Part[Any], Any]] = field(default_factory=dict)
    """What must hold of each account at the end."""
    apart: frozenset[str] = frozenset()
    """Accounts whose order is not the history's alone: of them only the journal is judged here."""


def check_partition(evidence: PartitionEvidence, findings: Findings) -> None:
    """The accounts of one partition: journal, state and events against the fold of what was published."""
    published: dict[str, dict[str, list[Received]]] = {}
    for lane, records in evidence.lanes.items():
        findings.complaints += _published_in_order(lane, records, findings)
        for received in _valid(records, findings):
            published.setdefault(received.account_id, {}).setdefault(lane, []).append(received)
    told = _told(evidence.events, findings.complaints)
    for account_id in sorted({*published, *evidence.journal, *told}):
        lanes = published.get(account_id, {})
        rows = evidence.journal.get(account_id, [])
        findings.complaints += _account(account_id, lanes, rows, told.get(account_id, {}), evidence, findings)


def check_rest(evidence: RestEvidence, findings: Findings) -> Iterator[Complaint]:
    """Nothing is left to do, and every cursor stands at the end of its log."""
    for place, end in evidence.ends.items():
        cursor = evidence.cursors.get(place, 0)
        if cursor != end:
            where = f"{place[0]}/{place[1]}"
            yield Complaint(
                "cursors end where the log ends", where, f"the log ends at {end}, the cursor is {cursor}"
            )
    if evidence.journal_rows != findings.journal_rows:
        difference = (
            f"{findings.journal_rows} belong to what was published, the table has {evidence.journal_rows}"
        )
        yield Complaint("the journal has nothing but what was published", "journal", difference)
    left = {
        "outbox": evidence.outbox_rows,
        "parked commands": evidence.parked_commands,
        "parked accounts": evidence.parked_accounts,
    }
    for name, number in left.items():
        if number:
            yield Complaint("nothing is left at rest", name, f"{number} left")
    for effect in evidence.unfinished_effects:
        yield Complaint("nothing is left at rest", "effects", effect)


def check_dead_letters(letters: Iterable[Record], findings: Findings) -> Iterator[Complaint]:
    """Every record that may not be applied has a dead letter, whole and with its reason; nothing else has."""
    promise = "exactly the invalid records are dead letters"
    found: dict[Origin, tuple[str, bytes | None]] = {}
    for letter in letters:
        headers = {name: (value or b"").decode() for name, value in letter.headers}
        origin = (headers["dl_topic"], int(headers["dl_partition"]), int(headers["dl_offset"]))
        told = (headers["dl_reason"], letter.value)
        if found.setdefault(origin, told) != told:
            yield Complaint(promise, _place(origin), f"told in two ways: {differing(found[origin], told)}")
    for origin in sorted({*found, *findings.invalid}):
        expected, actual = findings.invalid.get(origin), found.get(origin)
        if expected != actual:
            yield Complaint(promise, _place(origin), differing(expected, actual))


def check_complete(planned: Mapping[str, int], findings: Findings) -> Iterator[Complaint]:
    """The drill itself published all that it meant to."""
    for lane, number in planned.items():
        if findings.numbers[lane] != number:
            difference = f"{number} were meant, {findings.numbers[lane]} are on the topic"
            yield Complaint("the history was published", lane, difference)


def _published_in_order(lane: str, records: Sequence[Record], findings: Findings) -> Iterator[Complaint]:
    """The first appearances of the history's records come in its order. Later ones are duplicates."""
    last, seen = -1, set[int]()
    for record in records:
        mark = _mark(record)
        if mark is None or mark[0] in seen:
            continue
        number, _ = mark
        seen.add(number)
        if number < last:
            where = f"{record.topic}/{record.partition}@{record.offset}"
            yield Complaint("the history was published", where, f"no. {number} came behind no. {last}")
        last = number
    findings.numbers[lane] += len(seen)


def _mark(record: Record) -> tuple[int, str] | None:
    """The number and the expectation; None for a record that the drill did not publish itself."""
    for name, value in record.headers:
        if name == MARK:
            number, _, expect = (value or b"").decode().partition(" ")
            return int(number), expect
    return None


def _valid(records: Sequence[Record], findings: Findings) -> Iterator[Received]:
    """The records to be applied, the first of each id. The others are noted as invalid."""
    seen: set[tuple[UUID, str]] = set()
    for record, decoded in zip(records, decode(records, _EVERY_KIND), strict=True):
        expect = (_mark(record) or (0, VALID))[1]
        if expect != VALID:
            findings.invalid[record.topic, record.partition, record.offset] = (expect, record.value)
        elif not isinstance(decoded, Received):
            where = f"{record.topic}/{record.partition}@{record.offset}"
            findings.complaints.append(Complaint("the history was published", where, decoded.detail))
        elif (decoded.id, decoded.account_id) in seen:
            findings.duplicates += 1
        else:
            seen.add((decoded.id, decoded.account_id))
            yield decoded


def _told(events: Sequence[Record], complaints: list[Complaint]) -> dict[str, dict[str, Record]]:
    """The first appearance of each event, in order, by account. A repetition must say the same."""
    told: dict[str, dict[str, Record]] = {}
    for record in events:
        account_id = (record.key or b"").decode()
        event_id = dict(record.headers).get("ce_id", b"") or b""
        of_account = told.setdefault(account_id, {})
        first = of_account.setdefault(event_id.decode(), record)
        if (first.value, first.headers) != (record.value, record.headers):
            where = f"account {account_id}, event {event_id.decode()}"
            difference = differing((first.value, first.headers), (record.value, record.headers))
            complaints.append(Complaint("a repeated event says the same", where, difference))
    return told


def _account(
    account_id: str,
    lanes: Mapping[str, Sequence[Received]],
    rows: Sequence[Entry],
    told: Mapping[str, Record],
    evidence: PartitionEvidence,
    findings: Findings,
) -> Iterator[Complaint]:
    where = f"account {account_id}"
    if account_id in findings.apart:
        yield from _apart(where, lanes, rows, findings)
        return
    commands = _one_order(account_id, {lane: found for lane, found in lanes.items() if lane != FACTS})
    facts = lanes.get(FACTS, [])
    messages = [*facts, *commands]
    findings.messages += len(messages)
    findings.journal_rows += len(rows)
    yield from _one_row_each(where, messages, rows, lanes)
    times = {row.command_id: row.decided_at for row in rows}
    must = fate(account_id, facts, commands, times)
    findings.states[account_id] = must.state
    findings.outcomes.update(row.outcome for row in rows)
    by_id = {row.command_id: row for row in rows}
    for expected in (*must.facts, *must.commands):
        yield from _row(where, expected, by_id[expected.received.id], erased=must.erased)
    yield from _state(where, must, evidence)
    yield from _events(where, must, told)


def _apart(
    where: str, lanes: Mapping[str, Sequence[Received]], rows: Sequence[Entry], findings: Findings
) -> Iterator[Complaint]:
    messages = [received for found in lanes.values() for received in found]
    findings.messages += len(messages)
    findings.journal_rows += len(rows)
    findings.outcomes.update(row.outcome for row in rows)
    yield from _one_row_each(where, messages, rows, lanes)


def _one_order(account_id: str, lanes: Mapping[str, Sequence[Received]]) -> Sequence[Received]:
    """The account's commands in the order that decides. On two lanes it must be the same."""
    orders = list(lanes.values())
    for order in orders[1:]:
        if [received.id for received in order] != [received.id for received in orders[0]]:
            raise ValueError(f"the history gives account {account_id} two orders: the drill is at fault")
    return orders[0] if orders else []


def _one_row_each(
    where: str,
    messages: Sequence[Received],
    rows: Sequence[Entry],
    lanes: Mapping[str, Sequence[Received]],
) -> Iterator[Complaint]:
    promise = "one journal row for each command"
    meant = Counter(received.id for received in messages)
    found = Counter(row.command_id for row in rows)
    for command_id in sorted({*meant, *found}):
        if meant[command_id] != found[command_id]:
            difference = f"published {meant[command_id]} times, journaled {found[command_id]} times"
            yield Complaint(promise, f"{where}, command {command_id}", difference)
    travelled = {(received.id, lane) for lane, order in lanes.items() for received in order}
    for row in rows:
        if (row.command_id, row.lane) not in travelled:
            yield Complaint(
                promise, f"{where}, command {row.command_id}", f"was never on the lane {row.lane}"
            )


def _row(where: str, expected: Expected, row: Entry, *, erased: bool) -> Iterator[Complaint]:
    received = expected.received
    envelope = received.envelope
    must: dict[str, Any] = {
        "type": envelope.type,
        "actor": envelope.actor.id,
        "surface": envelope.actor.surface,
        "outcome": expected.outcome,
        "code": expected.code,
    }
    if expected.scrubbed:
        must["body"] = None
    elif not erased or received.message.kind is Kind.COMMAND:
        must["body"] = (received.record.value or b"").decode()
    found = {name: getattr(row, name) for name in must}
    if expected.answer_is_known:
        must["answer"] = expected.answer
        found["answer"] = None if row.answer is None else orjson.loads(row.answer)
    if must != found:
        place = f"{where}, command {received.id}"
        yield Complaint("each outcome is what the fold of the commands says", place, differing(must, found))


def _state(where: str, must: Fate, evidence: PartitionEvidence) -> Iterator[Complaint]:
    found: dict[Part[Any], Any] = {
        ACCOUNT: evidence.accounts.get(must.account_id),
        PROFILE: evidence.profiles.get(must.account_id),
        STRIPE_CUSTOMER: evidence.customers.get(must.account_id),
    }
    for part, value in found.items():
        if must.state[part] != value:
            difference = differing(_plain(must.state[part]), _plain(value))
            yield Complaint(
                "each state is the fold of the commands in order", f"{where}, {part.name}", difference
            )


def _plain(value: Any) -> Any:
    return None if value is None else asdict(value)


def _events(where: str, must: Fate, told: Mapping[str, Record]) -> Iterator[Complaint]:
    """What commands caused comes in their order; so does what facts caused. The two may mix."""
    promise = "the events are the applied commands in order"
    unexpected = told.keys() - {event.id for event in _events_of(must.facts, must.commands)}
    for event_id in sorted(unexpected):
        yield Complaint(promise, f"{where}, event {event_id}", "nothing that was applied tells it")
    for sequence in (must.facts, must.commands):
        expected = {event.id: event for event in _events_of(sequence)}
        found = [event_id for event_id in told if event_id in expected]
        if found != list(expected):
            yield Complaint(promise, where, differing(list(expected), found))
        for event_id in found:
            yield from _event(must.account_id, expected[event_id], told[event_id])


def _events_of(*sequences: Collection[Expected]) -> list[Told]:
    return [event for sequence in sequences for expected in sequence for event in expected.events]


def _event(account_id: str, expected: Told, record: Record) -> Iterator[Complaint]:
    headers = {name: (value or b"").decode() for name, value in record.headers}
    must = {
        "type": expected.type,
        "cause": expected.id.partition("/")[0],
        "subject": account_id,
        "body": expected.body,
    }
    found = {
        "type": headers.get("ce_type"),
        "cause": headers.get("ce_causationid"),
        "subject": headers.get("ce_subject"),
        "body": orjson.loads(record.value or b"null"),
    }
    if must != found:
        where = f"account {account_id}, event {expected.id}"
        yield Complaint("each event tells what happened", where, differing(must, found))


def _place(origin: Origin) -> str:
    return f"{origin[0]}/{origin[1]}@{origin[2]}"
