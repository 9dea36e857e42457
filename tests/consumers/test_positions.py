"""What a batch takes from the partitions that wait."""

from collections.abc import Sequence

import pytest

from consumers.positions import Position, ReadBackError, take
from state.postgres.cursors import Span
from topics.message import Record


def position(partition: int, *written_ms: int) -> Position:
    """A partition on which records wait that were written then."""
    found = Position(partition, 10)
    if written_ms:
        found.accept(
            [Record("topic", partition, 10 + n, at, b"key", b"{}", ()) for n, at in enumerate(written_ms)]
        )
    return found


def taken(positions: Sequence[Position], limit: int) -> list[tuple[int, int]]:
    """The partition and offset of each record that one batch takes."""
    found = take(positions, limit)
    return [(record.partition, record.offset) for record in found.records] if found else []


def test_nothing_waits_so_nothing_is_taken() -> None:
    assert take([position(0), position(1)], 10) is None


def test_each_partition_is_taken_in_one_run_from_its_cursor() -> None:
    found = take([position(0, 1, 2), position(1, 3)], 10)
    assert found is not None
    assert found.spans == (Span(0, 10, 12), Span(1, 10, 11))
    assert [record.offset for record in found.records] == [10, 11, 10]


def test_a_busy_partition_does_not_starve_the_others() -> None:
    busy, quiet = position(0, *range(100, 200)), position(1, 150)
    first = [taken([busy, quiet], 30) for _ in range(3)]
    assert (1, 10) in first[2]


def test_a_closed_position_gives_nothing() -> None:
    closed = position(0, 1)
    closed.closed = True
    assert take([closed], 10) is None


def test_what_is_no_record_is_passed_over_behind_the_last_one_and_alone() -> None:
    found = position(0, 1, 2)
    assert found.pass_over(13)
    first, second = take([found], 1), take([found], 1)
    assert first
    assert second
    assert first.spans == (Span(0, 10, 11),)
    assert second.spans == (Span(0, 10, 13),)
    assert take([found], 1) is None
    assert found.pass_over(14)
    alone = take([found], 1)
    assert alone
    assert (alone.records, alone.spans) == ([], (Span(0, 10, 14),))


def test_nothing_is_passed_over_twice_or_backwards() -> None:
    found = position(0, 1)
    assert not found.pass_over(11)
    assert not found.pass_over(3)
    assert not found.pass_over(None)


def test_records_that_were_read_already_are_not_taken() -> None:
    found = position(0, 1, 2)
    with pytest.raises(ReadBackError, match="read up to 12, and then from 11"):
        found.accept([Record("topic", 0, 11, 3, b"key", b"{}", ())])


@pytest.mark.parametrize("halted", [True, False])
def test_what_a_halted_lane_did_not_apply_stays_the_oldest(halted: bool) -> None:
    left, applied = position(0, 1_000, 2_000), position(1, 3_000)
    found = take([left, applied], 10)
    assert found is not None
    applied.cursor = 11
    found.let_go(halted=halted)
    assert left.oldest_ms() == (1_000 if halted else None)
    assert applied.oldest_ms() is None
