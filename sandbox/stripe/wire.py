"""A request and its answer on the wire: what is read of the one, how the other is sent."""

import base64
import binascii
import time
from dataclasses import dataclass, field

from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from sandbox.stripe.errors import invalid
from sandbox.stripe.faults import Fault
from sandbox.stripe.forms import Form
from sandbox.stripe.ids import new_id
from sandbox.stripe.world import API_VERSION

LONGEST_BODY = 1_000_000


@dataclass(slots=True)
class Request:
    """A request on its way, filled in as more of it becomes known.

    `encoded` are the parameters as sent, `form` as decoded; `key` is the idempotency key: it counts on POST.
    """

    method: str
    path: str
    query: bytes
    api_key: str | None
    version: str
    key: str | None
    id: str = field(default_factory=lambda: new_id("req"))
    began: float = field(default_factory=time.perf_counter)
    endpoint: str = "unrecognized"
    encoded: str = ""
    form: Form = field(default_factory=dict)
    fault: Fault | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    replayed: bool = False


def arrived(scope: Scope) -> Request:
    """The request as the API sees it, wherever the application is mounted."""
    mounted = scope.get("root_path", "").removesuffix("/v1")
    headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
    return Request(
        method=scope["method"],
        path=scope["path"].removeprefix(mounted),
        query=scope["query_string"],
        api_key=_api_key(headers.get(b"authorization", "")),
        version=headers.get(b"stripe-version") or API_VERSION,
        key=headers.get(b"idempotency-key") if scope["method"] == "POST" else None,
    )


async def parameters(request: Request, receive: Receive) -> str:
    """The parameters as they were sent: the body of a POST, the query of anything else.

    Raises ApiError (400) when too large or no text, ClientDisconnect when the client left while sending.
    """
    body = await _body(receive) if request.method == "POST" else request.query
    try:
        return body.decode()
    except UnicodeDecodeError:
        raise invalid("Invalid request: the parameters are not valid UTF-8.") from None


async def send_answer(send: Send, request: Request, answer: Answer) -> None:
    """Status, headers and body; every answer names its request and the version it is in."""
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(answer.body)).encode()),
        (b"request-id", request.id.encode()),
        (b"stripe-version", API_VERSION.encode()),
    ]
    headers += [(name.lower().encode(), value.encode("latin-1")) for name, value in answer.headers.items()]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})


async def _body(receive: Receive) -> bytes:
    body, more = b"", True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) > LONGEST_BODY:
            raise invalid("The request is too large.")
    return body


def _api_key(authorization: str) -> str | None:
    scheme, _, value = authorization.partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(value).decode().partition(":")[0]
        except (binascii.Error, UnicodeDecodeError):
            return None
    return None
