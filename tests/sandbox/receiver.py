"""A receiver of webhooks in a thread of the test: keeps what arrived, answers as told."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import stripe


@dataclass(frozen=True, slots=True)
class Arrived:
    """A delivery as it came over the wire."""

    body: bytes
    signature: str
    headers: dict[str, str]

    def verified(self, secret: str) -> stripe.Event:
        """The event, as the real `stripe` client makes it of a good signature. Raises on a bad one."""
        event: stripe.Event = stripe.Webhook.construct_event(self.body, self.signature, secret)
        return event

    @property
    def event(self) -> dict[str, Any]:
        """The event, unchecked."""
        parsed: dict[str, Any] = json.loads(self.body)
        return parsed


@dataclass(slots=True)
class Receiver:
    """`status` is what it answers from now on; while `silent` is set it answers nothing."""

    url: str
    status: int = 200
    arrived: list[Arrived] = field(default_factory=list)
    silent: threading.Event = field(default_factory=threading.Event)
    connections: set[Any] = field(default_factory=set)

    def names(self) -> list[str]:
        """The names of the objects that the events tell of, in order of arrival."""
        return [one.event["data"]["object"]["name"] for one in self.arrived]

    def types(self) -> list[str]:
        """The types of the events, in order of arrival."""
        return [one.event["type"] for one in self.arrived]


@contextmanager
def running() -> Iterator[Receiver]:
    """A receiver on a free port of loopback."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    receiver = Receiver(f"http://127.0.0.1:{server.server_port}/hook")
    server.receiver = receiver  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield receiver
    receiver.silent.clear()
    server.shutdown()
    server.server_close()
    thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1

    def do_POST(self) -> None:
        receiver: Receiver = self.server.receiver  # type: ignore[attr-defined]
        body = self.rfile.read(int(self.headers["Content-Length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        receiver.connections.add(self.client_address)
        receiver.arrived.append(Arrived(body, headers.get("stripe-signature", ""), headers))
        if receiver.silent.is_set():
            self.close_connection = True
            self.connection.settimeout(30)
            self.rfile.read(1)
            return
        self.send_response(receiver.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        pass
