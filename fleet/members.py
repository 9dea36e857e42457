"""The members of the fleet by name, and how each is built from the settings."""

import os
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from consumers.lane import LANES
from consumers.log import KafkaLog
from consumers.loop import Loop, LoopSettings
from consumers.relay import Relay
from fleet.settings import Settings
from observability import metrics
from state.redis.connection import connect as connect_redis

POLL_AGE_LIMIT: Final = 60.0
"""Seconds without a poll after which a process is not alive any more."""


class Running(Protocol):
    """Work that goes on until it is stopped."""

    async def run(self) -> None:
        """Work; raises on defects, which end the process."""

    def stop(self) -> None:
        """Finish what is under way and return from `run`."""


@dataclass(frozen=True, slots=True)
class Member:
    """A member in this process: its work and what its health says.

    `trouble` gives a sentence while it is not fit for work, `stuck` while it should be killed.
    """

    name: str
    running: Running
    brokers: tuple[Any, ...] = ()
    trouble: Callable[[], str | None] = field(default=lambda: None)
    stuck: Callable[[], str | None] = field(default=lambda: None)


def identity() -> str:
    """A name for this process that an operator can find."""
    return f"{socket.gethostname()}-{os.getpid()}"


def build(name: str, settings: Settings) -> Member:
    """One member by name. Raises `KeyError` for a name that is none."""
    return BUILDERS[name](settings)


def _lane(name: str) -> Callable[[Settings], Member]:
    def builder(settings: Settings) -> Member:
        lane = LANES[name]
        loop = Loop(
            lane,
            KafkaLog(lane, settings.kafka_bootstrap, f"{name}-{identity()}"),
            dsn=settings.database_url,
            redis=connect_redis(settings.redis_url),
            settings=LoopSettings(
                workers=settings.lane_workers,
                batch=settings.lane_batch,
                backlog=settings.lane_backlog,
                invalid_share=settings.invalid_share,
            ),
        )
        metrics.POLL_AGE_SECONDS.labels(lane=name).set_function(lambda: time.monotonic() - loop.polled_at)
        return Member(
            name,
            loop,
            trouble=lambda: str(loop.halted) if loop.halted else None,
            stuck=lambda: _stale(name, loop.polled_at),
        )

    return builder


def _relay(settings: Settings) -> Member:
    return Member("relay", Relay(dsn=settings.database_url, bootstrap=settings.kafka_bootstrap))


def _stale(name: str, since: float) -> str | None:
    age = time.monotonic() - since
    return f"{name} has not polled for {age:.0f} s" if age > POLL_AGE_LIMIT else None


BUILDERS: Final[dict[str, Callable[[Settings], Member]]] = {
    **{name: _lane(name) for name in LANES},
    "relay": _relay,
}
