"""The door of the gateway: keys, path, fault, one transaction, XML.

Faults are those of the double of Stripe; "stored" has no meaning here, as Braintree keeps no idempotency keys.
"""

import asyncio
import base64
import secrets

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from sandbox.braintree import errors, settlement, xml
from sandbox.braintree.operation import params
from sandbox.braintree.operations import routed
from sandbox.braintree.store import Body
from sandbox.braintree.world import PRIVATE_KEY, PUBLIC_KEY, World
from sandbox.stripe import connection
from sandbox.stripe.faults import Fault, Kind

BEFORE = (Kind.RESET_BEFORE, Kind.TIMEOUT_BEFORE)
SILENT = (*BEFORE, Kind.RESET_AFTER_EFFECT, Kind.TIMEOUT_AFTER_EFFECT)
REFUSING = {
    Kind.ERROR_500_BEFORE: 500,
    Kind.ERROR_500_STORED: 500,
    Kind.CONFLICT_409: 503,
    Kind.LOCK_TIMEOUT: 429,
    Kind.RATE_LIMIT: 429,
}
MEDIA_TYPE = "application/xml; charset=utf-8"
"""As recorded; without the character set the SDK's HTTP client guesses it, a third of a second a page of customers."""
BODIES = dict.fromkeys((401, 403), b"<errors>Unauthorized</errors>")
"""What comes with a bare status."""


class Gateway:
    """The ASGI application of everything below /merchants of one world."""

    def __init__(self, world: World) -> None:
        self.world = world

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request, or leaves it without an answer if its fault says so."""
        request = Request(scope, receive)
        path = request.url.path.removeprefix(scope.get("root_path", "")) or request.url.path
        try:
            body = await request.body()
        except ClientDisconnect:
            return
        fault = self.world.plan.strike(request.method, request.url.path)
        status, content = await self._answer(request, path, body, fault)
        self._log(request, status, fault)
        if fault and fault.kind in SILENT:
            await _silence(fault, receive)
            return
        await Response(content, status, media_type=MEDIA_TYPE)(scope, receive, send)

    async def _answer(
        self, request: Request, path: str, body: bytes, fault: Fault | None
    ) -> tuple[int, bytes]:
        if not _allowed(request):
            return 401, BODIES[401]
        if fault and fault.kind in BEFORE:
            return 0, b""
        if fault and fault.kind in REFUSING:
            return REFUSING[fault.kind], b""
        if fault and fault.kind is Kind.SLOW:
            await asyncio.sleep(fault.seconds)
        status, content = self._executed(request.method, path, body)
        if fault and fault.kind is Kind.ERROR_500_AFTER_EFFECT:
            return 500, b""
        return status, content

    def _executed(self, method: str, path: str, body: bytes) -> tuple[int, bytes]:
        sent: Body = {}
        try:
            run, ids = routed(method, path)
            sent = xml.read(body) if body else {}
            with self.world.store.transaction():
                settlement.run(self.world.store, self.world.now())
                result = run(self.world, ids, sent)
        except errors.Refusal as refusal:
            return refusal.status, BODIES.get(refusal.status, b"")
        except xml.Unreadable:
            return 400, b""
        except (errors.Invalid, errors.Declined) as error:
            return 422, xml.write("api_error_response", error.body(params(sent)))
        if result is None:
            return 200, b""
        status, name, value = result
        return status, xml.write(name, value)

    def _log(self, request: Request, status: int, fault: Fault | None) -> None:
        entry = {"at": self.world.now(), "method": request.method, "path": request.url.path, "status": status}
        self.world.log.append({**entry, "fault": str(fault.kind) if fault else None})


def _allowed(request: Request) -> bool:
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return False
    try:
        given = base64.b64decode(value)
    except ValueError:
        return False
    return secrets.compare_digest(given, f"{PUBLIC_KEY}:{PRIVATE_KEY}".encode())


async def _silence(fault: Fault, receive: Receive) -> None:
    if fault.kind in (Kind.RESET_BEFORE, Kind.RESET_AFTER_EFFECT):
        await connection.abort(receive)
    else:
        await connection.hang(receive, fault.seconds)
