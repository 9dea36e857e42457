"""A client left without an answer: the connection kept silent, or reset under its hands."""

import asyncio
import socket
import struct

from starlette.types import Receive


async def hang(receive: Receive, seconds: float) -> None:
    """Says nothing until the client leaves, or for so long; then the connection is gone."""
    try:
        await asyncio.wait_for(_left(receive), seconds)
    except TimeoutError:
        await abort(receive)


async def abort(receive: Receive) -> None:
    """Resets the connection (RST), so that the client reads an error and no answer.

    ASGI has no word for it: this reaches for the transport of uvicorn's request, which `receive` is bound to.
    """
    transport: asyncio.Transport = receive.__self__.transport  # type: ignore[attr-defined]
    linger = struct.pack("ii", 1, 0)
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    transport.abort()
    await _left(receive)


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
