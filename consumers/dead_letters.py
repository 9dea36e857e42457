"""A record that can't be applied, as it goes to the dead-letter topic: whole, with its reason, owner and origin."""

from collections.abc import Iterable
from uuid import UUID

from observability import metrics
from state.postgres import outbox
from state.redis.operations import Underway
from topics.codec import Reason, Rejected
from topics.ids import ACCOUNT_ID, read_uuid7
from topics.limits import MAX_HEADER_BYTES
from topics.message import Record
from topics.owners import owner
from topics.table import DEAD_LETTERS


def letter(rejected: Rejected, group: str) -> outbox.OutboxRow:
    """The outbox row of a dead letter. Its own headers start with `dl_`, the others are as received.

    aiokafka publishes nothing that has neither key nor body, which would stop the relay: such a letter's is empty.
    """
    record = rejected.record
    account = _account(record)
    body = b"" if account is None and record.value is None else record.value
    headers = [
        ("dl_reason", rejected.reason.value),
        ("dl_owner", owner(rejected.reason, record.topic).value),
        ("dl_detail", _readable(rejected.detail)),
        ("dl_group", group),
        ("dl_topic", record.topic),
        ("dl_partition", str(record.partition)),
        ("dl_offset", str(record.offset)),
        ("dl_timestamp", str(record.timestamp_ms)),
        *_as_received(record.headers),
    ]
    return outbox.row(DEAD_LETTERS.name, account, headers, body)


def asked_for(record: Record) -> tuple[UUID, Underway] | None:
    """The operation that somebody may ask after, if the record is one and it can be read off it."""
    headers = {name: _readable((value or b"").decode(errors="replace")) for name, value in record.headers}
    command_id, account = read_uuid7(headers.get("ce_id", "")), _account(record)
    if command_id is None or account is None or not headers.get("ce_replyto"):
        return None
    return command_id, Underway(account, headers.get("ce_type", "")[:MAX_HEADER_BYTES])


def count(lane: str, reason: Reason, topic: str, letters: int = 1) -> None:
    """Show that so many records of a topic became dead letters. Once they are written, not before."""
    metrics.DEAD_LETTERS.labels(lane=lane, reason=reason.value, owner=owner(reason, topic).value).inc(letters)


def _account(record: Record) -> str | None:
    key = (record.key or b"").decode(errors="replace")
    return key if ACCOUNT_ID.fullmatch(key) else None


def _as_received(headers: Iterable[tuple[str, bytes | None]]) -> list[tuple[str, str]]:
    return [
        (
            _readable(name[:MAX_HEADER_BYTES]),
            _readable((value or b"")[:MAX_HEADER_BYTES].decode(errors="backslashreplace")),
        )
        for name, value in headers
    ]


def _readable(text: str) -> str:
    """Text that PostgreSQL can hold: no NUL, no lone surrogates."""
    return text.replace("\0", "\\0").encode(errors="backslashreplace").decode()
