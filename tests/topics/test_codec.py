"""What travels arrives as it was sent, and whatever can't be understood gives its reason, never an exception."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from uuid6 import uuid7

from tests.topics.messages import ACCOUNT, ACCOUNT_IDS, ACTOR, TEXT, models_of, record_of
from topics import limits
from topics.accounts import AccountRegistered, AccountType, LockAccount, SetFlag
from topics.codec import HEADER_NAMES, Reason, Rejected, decode, encode_headers, header_texts
from topics.ids import uuid7_ms
from topics.message import Actor, Envelope, Kind, Message, Received, Record, Role, Urgency
from topics.profiles import CreateProfile, PatchProfile
from topics.registry import MESSAGE_TYPES

COMMANDS = frozenset({Kind.COMMAND})
FACTS = frozenset({Kind.FACT})
EVERY = frozenset(Kind)
GOOD = record_of(CreateProfile(city="Berlin"))
TRAVELLING = [model for model in MESSAGE_TYPES.values() if model.kind is not Kind.EVENT]


def only(record: Record, kinds: frozenset[Kind] = EVERY) -> Received | Rejected:
    """The one thing a record comes to."""
    (decoded,) = decode([record], kinds)
    return decoded


def reason_of(record: Record, kinds: frozenset[Kind] = EVERY) -> Reason | None:
    """Why a record is rejected, None when it is not."""
    decoded = only(record, kinds)
    return decoded.reason if isinstance(decoded, Rejected) else None


def with_header(name: str, value: bytes | None) -> Record:
    """The good record with one header set otherwise."""
    others = [(known, kept) for known, kept in GOOD.headers if known != name]
    return replace(GOOD, headers=(*others, (name, value)))


def with_body(value: bytes | None) -> Record:
    """The good record with another body."""
    return replace(GOOD, value=value)


def test_a_good_record_is_understood() -> None:
    decoded = only(GOOD, COMMANDS)
    assert isinstance(decoded, Received)
    assert decoded.message == CreateProfile(city="Berlin")
    assert decoded.account_id == ACCOUNT
    assert decoded.envelope.actor == ACTOR


@given(data=st.data(), model=st.sampled_from(TRAVELLING), account=ACCOUNT_IDS)
def test_what_is_encoded_decodes_to_the_same(data: st.DataObject, model: type[Message], account: str) -> None:
    message = data.draw(models_of(model))
    envelope = Envelope(
        id=uuid7(),
        type=model.type,
        account_id=account,
        actor=Actor(data.draw(st.text(TEXT, min_size=1)), data.draw(st.sampled_from(Role)), "/dashboard"),
        causation_id=data.draw(st.none() | st.text(TEXT, min_size=1)),
        reply_to=data.draw(st.none() | st.text(TEXT, min_size=1)),
        traceparent=data.draw(st.none() | st.just("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")),
        urgency=data.draw(st.none() | st.sampled_from(Urgency)),
    )
    decoded = only(record_of(message, envelope=envelope))
    assert isinstance(decoded, Received)
    assert decoded.message == message
    assert decoded.message.model_fields_set == message.model_fields_set
    assert decoded.envelope == replace(envelope, id=str(envelope.id))
    assert decoded.id == envelope.id


def test_a_field_that_was_not_sent_stays_told_apart_from_one_that_was_sent_as_null() -> None:
    absent, null = (only(record_of(PatchProfile(**given))) for given in ({}, {"billing_email": None}))
    assert isinstance(absent, Received)
    assert isinstance(null, Received)
    assert absent.message.model_fields_set == set()
    assert null.message.model_fields_set == {"billing_email"}


def test_the_codec_writes_the_header_names_it_knows() -> None:
    full = Envelope(uuid7(), "t", ACCOUNT, ACTOR, "cause", "channel", "trace", Urgency.SWEEP)
    assert {name for name, _ in header_texts(full)} == HEADER_NAMES


def test_an_urgency_that_nobody_knows_is_the_usual_one() -> None:
    known = replace(GOOD, headers=(*GOOD.headers, ("ce_urgency", b"sweep")))
    odd = replace(GOOD, headers=(*GOOD.headers, ("ce_urgency", b"yesterday")))
    found = [
        one.envelope.urgency for one in decode([known, odd, GOOD], COMMANDS) if isinstance(one, Received)
    ]
    assert found == [Urgency.SWEEP, None, None]


def test_a_batch_of_500_keeps_its_order_and_spoils_nobody() -> None:
    good = [record_of(SetFlag(flag="bad_debt")) for _ in range(500)]
    batch = [replace(r, offset=n, value=b"?" if n % 7 == 0 else r.value) for n, r in enumerate(good)]
    decoded = decode(batch, COMMANDS)
    assert [found.record.offset for found in decoded] == list(range(500))
    assert all(isinstance(found, Rejected) == (n % 7 == 0) for n, found in enumerate(decoded))


def test_nothing_comes_to_nothing() -> None:
    assert decode([], EVERY) == []


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (with_body(None), Reason.NO_BODY),
        (with_body(b""), Reason.BAD_BODY),
        (with_body(b"not json"), Reason.BAD_BODY),
        (with_body(b"[]"), Reason.BAD_BODY),
        (with_body(b'{"city": 7}'), Reason.BAD_BODY),
        (with_body(b'{"town": "Berlin"}'), Reason.BAD_BODY),
        (with_body(b'{"city": NaN}'), Reason.BAD_BODY),
        (with_body(b'{"city": "\xed\xa0\x80"}'), Reason.BAD_BODY),
        (with_body(rb'{"city": "\ud800"}'), Reason.BAD_BODY),
        (with_body(rb'{"city": "a\u0000b"}'), Reason.BAD_BODY),
        (with_body(rb'{"city": "\\\u0000"}'), Reason.BAD_BODY),
        (with_body(b'\xef\xbb\xbf{"city": "Berlin"}'), Reason.BAD_BODY),
        (with_body(b'{"city": "' + b"x" * 513 + b'"}'), Reason.BAD_BODY),
        (with_body(b"[" * 60_000), Reason.BAD_BODY),
        (with_body(b'{"a":' * 10_000), Reason.BAD_BODY),
        (with_body(b" " * (limits.MAX_BODY_BYTES + 1)), Reason.OVERSIZED),
        (with_header("ce_type", None), Reason.UNKNOWN_TYPE),
        (with_header("ce_type", b"billing.profiles.create.v2"), Reason.UNKNOWN_TYPE),
        (with_header("ce_type", b"billing.nothing.do.v1"), Reason.UNKNOWN_TYPE),
        (with_header("ce_type", b"billing.profiles.delete.v1"), Reason.BAD_BODY),
        (with_header("ce_id", None), Reason.BAD_ID),
        (with_header("ce_id", b"17"), Reason.BAD_ID),
        (with_header("ce_id", b""), Reason.BAD_ID),
        (with_header("ce_id", str(uuid4()).encode()), Reason.BAD_ID),
        (with_header("ce_subject", None), Reason.BAD_KEY),
        (with_header("ce_subject", ACCOUNT.upper().encode()), Reason.BAD_KEY),
        (with_header("ce_subject", f"{ACCOUNT}\n".encode()), Reason.BAD_KEY),
        (with_header("ce_subject", b"0" * 32), Reason.BAD_KEY),
        (replace(GOOD, key=None), Reason.BAD_KEY),
        (replace(GOOD, key=b"0" * 32), Reason.BAD_KEY),
        (replace(GOOD, key=b"\xff"), Reason.BAD_KEY),
        (with_header("ce_actor", None), Reason.BAD_HEADER),
        (with_header("ce_actor", b""), Reason.BAD_HEADER),
        (with_header("ce_actorrole", None), Reason.BAD_HEADER),
        (with_header("ce_actorrole", b"king"), Reason.BAD_HEADER),
        (with_header("ce_source", b"\xff"), Reason.BAD_HEADER),
        (with_header("ce_source", b"a\0b"), Reason.BAD_HEADER),
        (with_header("x-other", b"\xff"), Reason.BAD_HEADER),
        (with_header("x-long", b"x" * (limits.MAX_HEADER_BYTES + 1)), Reason.BAD_HEADER),
        (with_header("name\udcff", b"x"), Reason.BAD_HEADER),
    ],
)
def test_a_bad_record_gives_its_reason(record: Record, reason: Reason) -> None:
    decoded = only(record)
    assert isinstance(decoded, Rejected)
    assert decoded.reason is reason
    assert decoded.record is record
    assert decoded.detail


@pytest.mark.parametrize(
    "record",
    [
        with_body(rb'{"city": "\\u0000"}'),
        with_body(b'{"city": "' + b"x" * 512 + b'"}'),
        with_body(rb'{"city": "\ud83d\ude00"}'),
        with_header("x-other", b"x" * limits.MAX_HEADER_BYTES),
        with_header("x-other", None),
        with_header("gr\u00fc\u00dfe", b"x"),
        with_header("ce_id", str(uuid7()).upper().encode()),
    ],
)
def test_what_is_only_unusual_is_understood(record: Record) -> None:
    assert reason_of(record) is None


@pytest.mark.parametrize(
    ("milliseconds", "reason"),
    [
        (limits.ID_MAX_AGE.total_seconds() * 1000, None),
        (limits.ID_MAX_AGE.total_seconds() * 1000 + 1, Reason.SKEWED_ID),
        (-limits.ID_MAX_AHEAD.total_seconds() * 1000, None),
        (-limits.ID_MAX_AHEAD.total_seconds() * 1000 - 1, Reason.SKEWED_ID),
    ],
)
def test_an_id_may_be_old_but_hardly_ahead_of_its_record(milliseconds: float, reason: Reason | None) -> None:
    made = uuid7_ms(UUID(dict(header_texts_of(GOOD))["ce_id"]))
    assert reason_of(replace(GOOD, timestamp_ms=made + int(milliseconds))) is reason


def header_texts_of(record: Record) -> list[tuple[str, str]]:
    """The headers of a record that has only good ones."""
    return [(name, (value or b"").decode()) for name, value in record.headers]


@pytest.mark.parametrize(
    ("message", "kinds"),
    [
        (LockAccount(reason="r"), FACTS),
        (AccountRegistered(account_type=AccountType.PAY_GO), COMMANDS),
    ],
)
def test_a_message_on_the_wrong_lane_is_rejected(message: Message, kinds: frozenset[Kind]) -> None:
    assert reason_of(record_of(message), kinds) is Reason.WRONG_LANE


def test_an_event_is_on_the_wrong_lane_everywhere() -> None:
    event = with_header("ce_type", b"billing.profiles.deleted.v1")
    assert [reason_of(event, kinds) for kinds in (COMMANDS, FACTS)] == [Reason.WRONG_LANE] * 2


def test_the_reason_names_the_field_but_not_what_was_sent() -> None:
    decoded = only(with_body(b'{"billing_email": 4711, "city": "Secretville"}'))
    assert isinstance(decoded, Rejected)
    assert "/billing_email" in decoded.detail
    assert "4711" not in decoded.detail
    assert "Secretville" not in decoded.detail


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)
BROKEN_JSON = st.sampled_from(
    [
        rb'{"city": "\u0000"}',
        rb'{"city": "\ud800"}',
        rb'{"city": "\udc00\ud800"}',
        b'{"expected_version": 1e999999}',
        b'{"expected_version": ' + b"9" * 5000 + b"}",
        b"[" * 5000,
        b'{"a":' * 5000,
        b"NaN",
        b"-Infinity",
        b'{"city": "a", "city": "b"}',
    ]
)
VALUES = (
    st.none()
    | st.binary()
    | st.text().map(lambda text: text.encode("utf-8", "surrogatepass"))
    | JSON.map(lambda value: json.dumps(value).encode())
    | BROKEN_JSON
)
ODD_TEXT = st.text(st.characters(), max_size=20)
HEADERS = st.lists(
    st.tuples(
        st.sampled_from(sorted(HEADER_NAMES)) | ODD_TEXT,
        st.none() | st.binary() | ODD_TEXT.map(lambda text: text.encode("utf-8", "surrogatepass")),
    ),
    max_size=6,
).map(tuple)


@given(
    records=st.lists(
        st.builds(
            Record,
            st.just("t"),
            st.just(0),
            st.just(0),
            st.integers(0),
            st.none() | st.binary(),
            VALUES,
            HEADERS,
        )
    )
)
def test_arbitrary_bytes_never_raise(records: Sequence[Record]) -> None:
    decoded = decode(records, EVERY)
    assert [found.record for found in decoded] == records


MUTATIONS: dict[str, Callable[[st.DataObject], Any]] = {
    "value": lambda data: data.draw(VALUES),
    "headers": lambda data: (*GOOD.headers, *data.draw(HEADERS)),
    "key": lambda data: data.draw(st.none() | st.binary()),
    "timestamp_ms": lambda data: data.draw(st.integers(-1, 2**63 - 1)),
}


@given(data=st.data(), field=st.sampled_from(sorted(MUTATIONS)), model=st.sampled_from(TRAVELLING))
def test_a_good_record_with_one_part_exchanged_never_raises(
    data: st.DataObject, field: str, model: type[Message]
) -> None:
    good = record_of(data.draw(models_of(model)))
    spoiled: Record = replace(good, **{field: MUTATIONS[field](data)})
    (found,) = decode([spoiled], EVERY)
    assert found.record is spoiled


@given(body=VALUES.filter(lambda value: value is not None), model=st.sampled_from(TRAVELLING))
def test_what_is_understood_can_be_written_again_as_text(body: bytes, model: type[Message]) -> None:
    envelope = Envelope(uuid7(), model.type, ACCOUNT, ACTOR)
    assert isinstance(envelope.id, UUID)
    record = replace(
        GOOD, timestamp_ms=uuid7_ms(envelope.id), value=body, headers=tuple(encode_headers(envelope))
    )
    found = only(record)
    if isinstance(found, Received):
        assert "\0" not in body.decode()
        assert "\0" not in str(orjson.loads(orjson.dumps(found.message.model_dump(mode="json"))))
