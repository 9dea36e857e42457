"""A dead letter taken apart: what was received, and why it could not be applied (consumers/dead_letters.py)."""

from dataclasses import dataclass
from typing import Final

from topics.codec import Reason
from topics.ids import ACCOUNT_ID
from topics.message import Record
from topics.owners import owner

_OWN: Final = "dl_"
_REASONS: Final = frozenset(reason.value for reason in Reason)


@dataclass(frozen=True, slots=True)
class Letter:
    """A record of the dead-letter topic. Its own headers start with `dl_`, the others are as received."""

    record: Record

    def header(self, name: str) -> str:
        """A header as text, empty when it is missing."""
        for found, value in self.record.headers:
            if found == name:
                return (value or b"").decode(errors="backslashreplace")
        return ""

    @property
    def place(self) -> str:
        """Where the letter lies."""
        return f"{self.record.partition} {self.record.offset}"

    @property
    def reason(self) -> str:
        """One of `topics.codec.Reason`."""
        return self.header("dl_reason")

    @property
    def owner(self) -> str:
        """Who has to act: as written, or as it would be written today of a letter that is older than that."""
        written, topic = self.header("dl_owner"), self.header("dl_topic")
        return written or (owner(Reason(self.reason), topic) if self.reason in _REASONS else "")

    @property
    def detail(self) -> str:
        """What exactly, without the values."""
        return self.header("dl_detail")

    @property
    def source(self) -> str:
        """Where the record came from."""
        return f"{self.header('dl_topic')}/{self.header('dl_partition')}@{self.header('dl_offset')}"


def original(letter: Letter, *, now_ms: int) -> Record:
    """The record as it was received, as if written now.

    A key that was no account id is not kept with the letter: `ce_subject` stands in for it if it is one.
    """
    subject = letter.header("ce_subject")
    key = letter.record.key or (subject.encode() if ACCOUNT_ID.fullmatch(subject) else None)
    return Record(
        topic=letter.header("dl_topic"),
        partition=letter.record.partition,
        offset=letter.record.offset,
        timestamp_ms=now_ms,
        key=key,
        value=letter.record.value,
        headers=tuple(header for header in letter.record.headers if not header[0].startswith(_OWN)),
    )
