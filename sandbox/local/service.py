"""A service is a value: what to run, how to know it is ready, how to stop it."""

import signal
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

Say = Callable[[str], None]
"""Takes one line meant for the person at the console."""


class CannotStart(Exception):
    """Why something cannot run here and what to do about it: one paragraph for a person, exit code 2."""


class Owner(NamedTuple):
    """The system account a process runs as; only root can choose one."""

    uid: int
    gid: int


async def at_once() -> bool:
    """Ready as soon as it is started: for a service that nobody waits for. Its first crash is like any other."""
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """One long-running process of the stack.

    `env` is added to the supervisor's own environment. `after` names services that must be ready first;
    `prepare` then runs once, and may raise CannotStart. `ready` is asked again and again until it is true.
    `ports` must be free on 127.0.0.1 before anything starts. `stop_signal` asks for an orderly stop and gets
    `stop_seconds` until SIGKILL; `death_signal` is what the process gets when the supervisor is killed, and
    must end it without fail. `folder` is where its data is: when it was there before and the service does not
    start, the message says what to do about it.
    """

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: Path | None = None
    folder: Path | None = None
    owner: Owner | None = None
    after: tuple[str, ...] = ()
    prepare: Callable[[Say], Awaitable[None]] | None = None
    ready: Callable[[], Awaitable[bool]] = at_once
    ready_seconds: float = 60
    ports: tuple[int, ...] = ()
    stop_signal: signal.Signals = signal.SIGTERM
    stop_seconds: float = 10
    death_signal: signal.Signals = signal.SIGKILL


def in_starting_order(services: tuple[Service, ...]) -> tuple[Service, ...]:
    """The services with each one behind those it comes `after`.

    Raises ValueError for a name used twice, a name nobody has, or a circle.
    """
    by_name = {service.name: service for service in services}
    if len(by_name) != len(services):
        raise ValueError("two services have the same name")
    ordered: dict[str, Service] = {}
    waiting = dict(by_name)
    while waiting:
        free = [service for service in waiting.values() if all(name in ordered for name in service.after)]
        if not free:
            raise ValueError(f"{', '.join(waiting)}: 'after' names an unknown service or goes in a circle")
        for service in free:
            ordered[service.name] = waiting.pop(service.name)
    return tuple(ordered.values())
