"""A terminal that goes is noticed without a signal; under nohup nobody looks."""

import asyncio
import os
import pty
import signal
from collections.abc import Iterator

import pytest

from sandbox.local import terminal


@pytest.fixture
def sides() -> Iterator[tuple[int, int]]:
    """The terminal's own side and the one a program sees; both closed afterwards, if they are not yet."""
    own, seen = pty.openpty()
    yield own, seen
    for number in (own, seen):
        try:
            os.close(number)
        except OSError:
            continue


def test_a_terminal_that_is_there_has_not_hung_up(sides: tuple[int, int]) -> None:
    own, seen = sides
    os.write(own, b"something typed\n")
    assert not terminal.hung_up([seen])


def test_a_closed_terminal_has_hung_up_even_with_something_left_to_read(sides: tuple[int, int]) -> None:
    own, seen = sides
    os.write(own, b"something typed\n")
    os.close(own)
    assert terminal.hung_up([seen])


def test_pipes_and_files_are_no_terminals(sides: tuple[int, int]) -> None:
    reading, writing = os.pipe()
    assert terminal.watched([reading, sides[1], writing]) == (sides[1],)
    os.close(reading)
    os.close(writing)


def test_under_nohup_no_terminal_is_watched(sides: tuple[int, int]) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        assert terminal.watched([sides[1]]) == ()
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.asyncio
async def test_the_wait_ends_when_the_terminal_goes(
    sides: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(terminal, "LOOK_EVERY", 0.01)
    own, seen = sides
    waiting = asyncio.create_task(terminal.closed((seen,)))
    await asyncio.sleep(0.05)
    assert not waiting.done()
    os.close(own)
    await asyncio.wait_for(waiting, 30)
