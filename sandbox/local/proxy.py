"""A TCP proxy that misbehaves to order: slow, silent, cut, or swallowing one reply."""

import asyncio
import socket
import struct
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Self

CHUNK = 64 * 2**10
WINDOW = 256
"""Bytes of the past that a match may begin in, for a text that arrives in two pieces."""

RESET = struct.pack("ii", 1, 0)
"""SO_LINGER of no seconds: closing sends a reset, as a machine does that knows nothing of the connection."""


@dataclass(slots=True, eq=False)
class _Connection:
    client: asyncio.StreamWriter
    server: asyncio.StreamWriter
    recent: bytes = b""
    swallow_replies: bool = False

    def reset(self) -> None:
        _reset(self.client)
        _reset(self.server)


class FaultProxy:
    """Forwards 127.0.0.1:`port` to a server, and does damage when told.

    `latency` is a number of seconds added to every piece in both directions. Used as an asynchronous context
    manager; at its end all connections are reset.
    """

    def __init__(self, server_port: int, *, server_host: str = "127.0.0.1", port: int = 0) -> None:
        self.port = port
        self.latency = 0.0
        self._server = (server_host, server_port)
        self._listener: asyncio.Server | None = None
        self._connections: set[_Connection] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._matches: Callable[[bytes], bool] | None = None
        self._left: int | None = None
        self._dropped = asyncio.Event()
        self._broken = asyncio.Event()

    def blackhole(self) -> None:
        """From now on nothing passes, in either direction; connections stay open and new ones are accepted."""
        self._flowing.clear()

    def flow(self) -> None:
        """Let everything pass again, first of all what was held back."""
        self._flowing.set()

    def reset_all(self) -> None:
        """Reset every connection now."""
        for connection in list(self._connections):
            connection.reset()

    def drop_reply_to(self, matches: Callable[[bytes], bool]) -> asyncio.Event:
        """Cut once, at the worst moment: the request reached the server and was answered, the answer is lost.

        `matches` is given what a client sent last: up to 256 earlier bytes and the new piece. The next thing
        the server says counts as the answer. Returns the event that is set when it has happened.
        """
        self._matches = matches
        for connection in self._connections:
            connection.recent = b""
        self._dropped = asyncio.Event()
        return self._dropped

    def cut_after(self, client_bytes: int) -> asyncio.Event:
        """Cut once: pass on that many more bytes of the clients, then break that connection, perhaps
        in the middle of a request. Returns the event that is set when it has happened."""
        self._left = client_bytes
        self._broken = asyncio.Event()
        return self._broken

    async def start(self) -> None:
        """Listen; `port` is then the real one. Raises OSError when it is taken."""
        self._listener = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
        self.port = self._listener.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Stop listening and reset all connections."""
        if self._listener is not None:
            self._listener.close()
        self.reset_all()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    def _accept(self, reader: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, client))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, from_client: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        try:
            from_server, server = await asyncio.open_connection(*self._server)
        except OSError:
            _reset(client)
            return
        connection = _Connection(client, server)
        self._connections.add(connection)
        requests = asyncio.create_task(self._requests(from_client, connection))
        try:
            await self._replies(from_server, connection)
        finally:
            requests.cancel()
            self._connections.discard(connection)
            client.close()
            server.close()

    async def _requests(self, reader: asyncio.StreamReader, connection: _Connection) -> None:
        try:
            while piece := await reader.read(CHUNK):
                await self._delay()
                self._look_for_match(piece, connection)
                if self._left is not None and (left := self._left - len(piece)) <= 0:
                    await self._break_off(piece[: self._left], connection)
                    return
                self._left = None if self._left is None else left
                await _pass_on(piece, connection.server)
            connection.server.write_eof()
        except OSError:
            connection.reset()

    async def _replies(self, reader: asyncio.StreamReader, connection: _Connection) -> None:
        with suppress(OSError):
            while piece := await reader.read(CHUNK):
                if connection.swallow_replies:
                    connection.reset()
                    self._dropped.set()
                    return
                await self._delay()
                await _pass_on(piece, connection.client)

    async def _delay(self) -> None:
        if self.latency:
            await asyncio.sleep(self.latency)
        await self._flowing.wait()

    def _look_for_match(self, piece: bytes, connection: _Connection) -> None:
        if self._matches is None:
            return
        connection.recent = connection.recent[-WINDOW:] + piece
        if self._matches(connection.recent):
            self._matches = None
            connection.swallow_replies = True

    async def _break_off(self, last: bytes, connection: _Connection) -> None:
        """The server gets the last bytes and an end, the client a reset."""
        self._left = None
        await _pass_on(last, connection.server)
        connection.server.close()
        _reset(connection.client)
        self._broken.set()


async def _pass_on(piece: bytes, writer: asyncio.StreamWriter) -> None:
    writer.write(piece)
    await writer.drain()


def _reset(writer: asyncio.StreamWriter) -> None:
    raw = writer.get_extra_info("socket")
    with suppress(OSError):
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    writer.transport.abort()
