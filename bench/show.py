"""What the person at the terminal sees while a run goes on: the step and how far it is."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

Done = Callable[[int], None]
"""Takes how much of the step's total is done."""


class Show(Protocol):
    """Shows steps one after another."""

    def step(self, text: str, total: int | None = None) -> Done:
        """Begin a step; the one before it is over."""


class Terminal:
    """`Show` by rich: a line with a bar for each step."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._end: Callable[[], None] = lambda: None

    def step(self, text: str, total: int | None = None) -> Done:
        """Begin a step; the one before it is over."""
        self._end()
        task = self._progress.add_task(text, total=total)

        def end() -> None:
            left = self._progress.tasks[task]
            self._progress.update(task, total=left.total or 1, completed=left.total or 1)

        self._end = end
        return lambda done: self._progress.update(task, completed=done)

    def over(self) -> None:
        """No step any more."""
        self._end()


class Silent:
    """`Show` for tests."""

    def step(self, text: str, total: int | None = None) -> Done:
        """Nothing."""
        return lambda done: None


@contextmanager
def terminal() -> Iterator[Terminal]:
    """Progress on the terminal, or one line a step where there is none."""
    columns = (TextColumn("{task.description:<52}"), BarColumn(20), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, refresh_per_second=1) as progress:
        shown = Terminal(progress)
        yield shown
        shown.over()
