"""Where a lane stands: one position per assigned partition, continuous from its cursor."""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from state.postgres.cursors import Span
from topics.message import Record


@dataclass(slots=True, eq=False)
class Position:
    """An assigned partition. The buffer goes on where the cursor stands, without a hole.

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
    """Where to read on: behind the last record that was accepted."""

    def __post_init__(self) -> None:
        self.following = self.cursor

    def accept(self, records: Sequence[Record]) -> None:
        """Take what was polled, in order."""
        self.buffer.extend(records)
        self.following = records[-1].offset + 1

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


def take(positions: Iterable[Position], limit: int) -> Take | None:
    """Up to `limit` records over the positions, each position's in one run; None when nothing waits.

    Whose oldest record waits longest comes first, so no partition starves behind a busy one.
    """
    taken: dict[int, Position] = {}
    records: list[Record] = []
    spans: list[Span] = []
    waiting = [position for position in positions if position.buffer and not position.closed]
    for position in sorted(waiting, key=lambda position: position.buffer[0].timestamp_ms):
        room = limit - len(records)
        if room <= 0:
            break
        run = [position.buffer.popleft() for _ in range(min(room, len(position.buffer)))]
        position.working_since_ms = run[0].timestamp_ms
        taken[position.partition] = position
        records.extend(run)
        spans.append(Span(position.partition, position.cursor, run[-1].offset + 1))
    return Take(taken, records, tuple(spans)) if records else None
