"""HTTP as it comes off the wire: what can't be parsed is answered in the envelope too."""

from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from producers.http.envelope import refusal
from producers.http.errors import invalid

MAX_HEAD_BYTES: Final = 16 * 1024
"""Of the request line and all headers together."""

_REFUSED: Final = bytes(refusal(invalid("This is not an HTTP request that can be understood.")).body)


class EnvelopedProtocol(HttpToolsProtocol):
    """uvicorn's parser with a limit on the head of a request and our own answer to a broken one."""

    _head = 0

    def on_message_begin(self) -> None:
        """A new request on the connection."""
        self._head = 0
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        """A piece of the request line."""
        self._count(url)
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header."""
        self._count(name, value)
        super().on_header(name, value)

    def _count(self, *pieces: bytes) -> None:
        self._head += sum(map(len, pieces))
        if self._head > MAX_HEAD_BYTES:
            raise ValueError("the head of the request is too large")

    def send_400_response(self, msg: str) -> None:
        """The parser gave up: `msg` says why, for the log."""
        head = (
            f"HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\ncontent-length: {len(_REFUSED)}"
        )
        self.transport.write(f"{head}\r\nconnection: close\r\n\r\n".encode() + _REFUSED)
        self.transport.close()


def serving(app: Any, *, host: str, port: int, proxies: str = "") -> dict[str, Any]:
    """Settings of `uvicorn.Config` that keep its own pages, banner and access log (with query strings) out.

    `proxies` are the addresses and networks, separated by commas, whose X-Forwarded-For is believed; of nobody
    else, not even of this machine: who may name an address may have any limit of an address as often as wanted.
    """
    return {
        "app": app,
        "host": host,
        "port": port,
        "http": EnvelopedProtocol,
        "ws": "none",
        "loop": "uvloop",
        "access_log": False,
        "log_config": None,
        "server_header": False,
        "proxy_headers": bool(proxies),
        "forwarded_allow_ips": proxies,
        "date_header": True,
        "lifespan": "on",
        "backlog": 512,
        "timeout_keep_alive": 30,
        "timeout_graceful_shutdown": 15,
    }
