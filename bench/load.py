"""A load generator that keeps its beat: each request has its moment, whether or not earlier ones were answered.

Latencies count from the moment a request should have been sent, so a server that stalls is charged for
all who would have come meanwhile (what closed loops leave out: coordinated omission). Raw HTTP/1.1 over
keep-alive connections, as the generator shares two cores with what it measures.
"""

import asyncio
import time
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

_END = b"\r\n\r\n"
_LENGTH = b"content-length: "


@dataclass(slots=True)
class Answers:
    """What came back: the seconds of each answer by status, and what it cost to ask."""

    seconds: dict[int, list[float]] = field(default_factory=dict)
    sent: int = 0
    late: int = 0
    """Requests that had to wait for a free connection; the wait counts."""
    cpu_seconds: float = 0.0

    def add(self, status: int, seconds: float) -> None:
        """One answer."""
        self.seconds.setdefault(status, []).append(seconds)


class _Connection(asyncio.Protocol):
    """One request at a time; `done` is called with the status of its answer, 0 when the connection broke."""

    def __init__(self, load: "_Load") -> None:
        self._load = load
        self._transport: Any = None
        self._answer = bytearray()
        self._needed = 0
        self._due: float | None = None

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def send(self, request: bytes, due: float) -> None:
        """Send the request that was due at this moment."""
        self._due = due
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._answer += data
        if not self._needed:
            head = self._answer.find(_END)
            if head < 0:
                return
            at = self._answer.lower().find(_LENGTH, 0, head)
            length = int(self._answer[at + len(_LENGTH) : self._answer.find(b"\r\n", at)]) if at > 0 else 0
            self._needed = head + len(_END) + length
        if len(self._answer) >= self._needed:
            status = int(self._answer[9:12])
            self._answer.clear()
            self._needed = 0
            self._over(status)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        if self._due is None:
            self._load.lost(self)
        else:
            self._over(0)

    def _over(self, status: int) -> None:
        due, self._due = self._due, None
        assert due is not None
        self._load.answered(self if self._transport is not None else None, status, due)


class _Load:
    def __init__(self, timed_from: float) -> None:
        self.answers = Answers()
        self.idle: deque[_Connection] = deque()
        self.waiting: deque[tuple[bytes, float]] = deque()
        self.ahead: deque[bytes] = deque()
        """Requests that have no moment of their own: each is due when an answer came."""
        self.open = 0
        self._timed_from = timed_from

    def due(self, request: bytes, moment: float) -> None:
        self.open += 1
        self.answers.sent += moment >= self._timed_from
        if self.idle:
            # In turn: one that is left alone for seconds is closed by the server.
            self.idle.popleft().send(request, moment)
        else:
            self.answers.late += moment >= self._timed_from
            self.waiting.append((request, moment))

    def lost(self, connection: _Connection) -> None:
        """It was closed while nothing was asked on it."""
        if connection in self.idle:
            self.idle.remove(connection)

    def answered(self, connection: _Connection | None, status: int, due: float) -> None:
        self.open -= 1
        if due >= self._timed_from:
            self.answers.add(status, time.monotonic() - due)
        if connection is None:
            return
        if self.waiting:
            connection.send(*self.waiting.popleft())
            return
        self.idle.append(connection)
        if self.ahead:
            self.due(self.ahead.popleft(), time.monotonic())


async def steady(
    requests: Iterable[bytes],
    *,
    addresses: Sequence[tuple[str, int]],
    per_second: float,
    connections: int,
    warm_up: float,
    patience: float = 15.0,
) -> Answers:
    """Send the requests at a steady rate over connections spread on the addresses.

    Those due within the first `warm_up` seconds are not counted. After the last one, answers are waited
    for `patience` seconds; what is missing then has no answer.
    """
    loop = asyncio.get_running_loop()
    start = loop.time() + 0.1
    load = _Load(start + warm_up)
    for number in range(connections):
        host, port = addresses[number % len(addresses)]
        _, connection = await loop.create_connection(lambda: _Connection(load), host, port)
        load.idle.append(connection)
    cpu = time.process_time()
    start = loop.time()
    load._timed_from = start + warm_up
    for number, request in enumerate(requests):
        moment = start + number / per_second
        if (wait := moment - loop.time()) > 0:
            await asyncio.sleep(wait)
        load.due(request, moment)
    load.answers.cpu_seconds = time.process_time() - cpu
    deadline = loop.time() + patience
    while load.open and loop.time() < deadline:
        await asyncio.sleep(0.05)
    return load.answers


async def at_once(
    requests: Sequence[bytes], *, address: tuple[str, int], connections: int, patience: float = 60.0
) -> Answers:
    """Send the requests as fast as they are answered, so many at a time."""
    loop = asyncio.get_running_loop()
    load = _Load(0.0)
    for _ in range(connections):
        _, connection = await loop.create_connection(lambda: _Connection(load), *address)
        load.idle.append(connection)
    cpu, began = time.process_time(), time.monotonic()
    load.ahead = deque(requests)
    for _ in range(min(connections, len(requests))):
        load.due(load.ahead.popleft(), time.monotonic())
    while load.open and time.monotonic() - began < patience:
        await asyncio.sleep(0.005)
    load.answers.cpu_seconds = time.process_time() - cpu
    return load.answers
