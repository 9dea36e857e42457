"""Where a lane stands: one position per assigned partition, continuous from its cursor."""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from state.postgres.cursors import Span
from topics.message import Record


class ReadBackError(Exception):
    """Records that were read already came again: the client went back by itself, and cursors never do."""

    def __init__(self, partition: int, following: int, offset: int) -> None:
        super().__init__(f"partition {partition} was read up to {following}, and then from {offset} on")


@dataclass(slots=True, eq=False)
class Position:
    """An assigned partition. The buffer goes on where the cursor stands, without a hole and never back.

    A position belongs to one assignment: after a revocation or a reset it is `closed`, and records
    that were polled for it are not taken.
    """

    partition: int
    cursor: int
    buffer: deque[Record] = field(default_factory=deque)
    closed: bool = False
    paused: bool = False
    working_since_ms: int | None = None
    committed: int | None = None
    following: int = field(init=False)
    """Where to read on: behind the last record that was accepted, and what the client passed over."""

    taken: int = field(init=False)
    """Up to where batches took it, settled or not."""

    def __post_init__(self) -> None:
        self.following = self.taken = self.cursor

    def accept(self, records: Sequence[Record]) -> None:
        """Take what was polled, in order. Raises `ReadBackError` when it lies before what was read."""
        if records[0].offset < self.following:
            raise ReadBackError(self.partition, self.following, records[0].offset)
        self.buffer.extend(records)
        self.following = records[-1].offset + 1

    def pass_over(self, reached: int | None) -> bool:
        """Whether the client read on without a record: marks of transactions, and what was aborted."""
        if self.closed or reached is None or reached <= self.following:
            return False
        self.following = reached
        return True

    @property
    def waits(self) -> bool:
        """Whether there is something to apply or to pass over."""
        return self.taken < self.following

    def run(self, room: int) -> tuple[list[Record], Span]:
        """Up to `room` records off the buffer; the last ones take the cursor over what was passed over as well."""
        records = [self.buffer.popleft() for _ in range(min(room, len(self.buffer)))]
        self.taken = records[-1].offset + 1 if self.buffer else self.following
        return records, Span(self.partition, self.cursor, self.taken)

    def oldest_ms(self) -> int | None:
        """The timestamp of the oldest record that is read but not applied."""
        if self.working_since_ms is not None:
            return self.working_since_ms
        return self.buffer[0].timestamp_ms if self.buffer else None


@dataclass(frozen=True, slots=True)
class Take:
    """Records taken for one batch, with the positions they came from and where those will stand."""

    positions: dict[int, Position]
    records: list[Record]
    spans: tuple[Span, ...]

    def let_go(self, *, halted: bool) -> None:
        """Nobody works on it any more. What a halted lane did not apply stays the oldest: it is not read again."""
        for span in self.spans:
            position = self.positions[span.partition]
            if not halted or position.cursor >= span.stop:
                position.working_since_ms = None


def take(positions: Iterable[Position], limit: int) -> Take | None:
    """Up to `limit` records over the positions, each position's in one run; None when nothing waits.

    Whose oldest record waits longest comes first, so no partition starves behind a busy one.
    """
    taken: dict[int, Position] = {}
    records: list[Record] = []
    spans: list[Span] = []
    waiting = [position for position in positions if position.waits and not position.closed]
    for position in sorted(waiting, key=_written_ms):
        room = limit - len(records)
        if room <= 0:
            break
        run, span = position.run(room)
        position.working_since_ms = run[0].timestamp_ms if run else None
        taken[position.partition] = position
        records.extend(run)
        spans.append(span)
    return Take(taken, records, tuple(spans)) if spans else None


def _written_ms(position: Position) -> int:
    """When what waits first was written; what is no record takes no time."""
    return position.buffer[0].timestamp_ms if position.buffer else 0
