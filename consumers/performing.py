"""What the effects member asks of a performer: work in, an outcome out; the member does everything around it."""

import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from state.postgres.connection import Connection
from state.postgres.effects import Effect, LeaseLostError
from topics.message import Fact, Result


@dataclass(frozen=True, slots=True)
class Performed:
    """Done, for all that was asked for up to `generation`. The results are told with it or not at all.

    `conclusion` is the end of the operation that asked for it, be it what was asked for or why not.
    """

    generation: int
    results: tuple[Fact, ...] = ()
    conclusion: Result | None = None


@dataclass(frozen=True, slots=True)
class GivenUp:
    """It will not go through, however often it is tried. `reason` is for support and has no personal data."""

    generation: int
    reason: str
    results: tuple[Fact, ...] = ()


@dataclass(frozen=True, slots=True)
class Postponed:
    """To be tried again, `after` a while or after a backoff that grows with the attempts.

    Not `counted`: nothing was tried, it was only not its turn. One that `gives_way` lets what is owed to the same
    target after it go first.
    """

    cause: str
    after: timedelta | None = None
    counted: bool = True
    gives_way: bool = False


Outcome = Performed | GivenUp | Postponed


class Store(Protocol):
    """Connections to PostgreSQL, lent for a short while."""

    def acquire(self) -> AbstractAsyncContextManager[Connection]:
        """A connection; raises one of `STORE_DOWN`."""


@dataclass(slots=True)
class Work:
    """A claimed effect in hand. `until` is when the lease ends, in monotonic seconds; the member moves it on."""

    effect: Effect
    worker: str
    store: Store
    until: float

    def still_ours(self, seconds: float) -> None:
        """Raise `LeaseLostError` unless the lease lasts for as long as a call may take.

        A process that was stopped and woken finds out here, before it sends what is long out of date.
        """
        if time.monotonic() + seconds > self.until:
            raise LeaseLostError


@dataclass(frozen=True, slots=True)
class Performer:
    """Who performs a kind of effect. `held_for` gives the seconds for which claiming it is of no use.

    `perform` may raise `LeaseLostError`, what PostgreSQL raises, and, if it has a defect, anything else: the
    effect is then tried again.
    """

    perform: Callable[[Work], Awaitable[Outcome]]
    held_for: Callable[[], float] = lambda: 0.0
