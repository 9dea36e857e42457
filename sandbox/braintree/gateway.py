"""The door of the gateway: keys, path, fault, one transaction, XML.

Faults are those of the double of Stripe; "stored" has no meaning here, as Braintree keeps no idempotency keys.
"""

import asyncio
import base64
import re
import secrets
from collections.abc import Callable
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from sandbox.braintree import errors, vault, xml
from sandbox.braintree.store import Body
from sandbox.braintree.world import MERCHANT, PRIVATE_KEY, PUBLIC_KEY, World
from sandbox.stripe import connection
from sandbox.stripe.faults import Fault, Kind

Result = tuple[int, str, Any] | None
"""Status, outermost element and value of an answer; None for one without a body."""
Run = Callable[[World, dict[str, str], Body], Result]

BEFORE = (Kind.RESET_BEFORE, Kind.TIMEOUT_BEFORE)
SILENT = (*BEFORE, Kind.RESET_AFTER_EFFECT, Kind.TIMEOUT_AFTER_EFFECT)
REFUSING = {
    Kind.ERROR_500_BEFORE: 500,
    Kind.ERROR_500_STORED: 500,
    Kind.CONFLICT_409: 503,
    Kind.LOCK_TIMEOUT: 429,
    Kind.RATE_LIMIT: 429,
}


def _create_customer(world: World, _: dict[str, str], sent: Body) -> Result:
    return 201, "customer", vault.create_customer(world.store, sent.get("customer") or {}, world.now())


def _find_customer(world: World, ids: dict[str, str], _: Body) -> Result:
    return 200, "customer", vault.find_customer(world.store, ids["id"])


def _update_customer(world: World, ids: dict[str, str], sent: Body) -> Result:
    given = sent.get("customer") or {}
    return 200, "customer", vault.update_customer(world.store, ids["id"], given, world.now())


def _delete_customer(world: World, ids: dict[str, str], _: Body) -> Result:
    vault.delete_customer(world.store, ids["id"])
    return None


def _create_method(world: World, _: dict[str, str], sent: Body) -> Result:
    return 201, *vault.create_method(world.store, sent.get("payment_method") or {}, world.now())


def _find_method(world: World, ids: dict[str, str], _: Body) -> Result:
    return 200, *vault.find_method(world.store, ids["token"])


def _update_method(world: World, ids: dict[str, str], sent: Body) -> Result:
    given = sent.get("payment_method") or {}
    return 200, *vault.update_method(world.store, ids["token"], given, world.now())


def _delete_method(world: World, ids: dict[str, str], _: Body) -> Result:
    vault.delete_method(world.store, ids["token"])
    return None


def _client_token(world: World, _: dict[str, str], sent: Body) -> Result:
    return 201, "client_token", vault.client_token(sent.get("client_token") or {}, MERCHANT)


_ANY = r"/payment_methods/any/(?P<token>[^/]+)"
_CUSTOMER = r"/customers/(?P<id>[^/]+)"
ROUTES: list[tuple[str, re.Pattern[str], Run]] = [
    (method, re.compile(path), run)
    for method, path, run in (
        ("POST", "/customers", _create_customer),
        ("GET", _CUSTOMER, _find_customer),
        ("PUT", _CUSTOMER, _update_customer),
        ("DELETE", _CUSTOMER, _delete_customer),
        ("POST", "/payment_methods", _create_method),
        ("GET", _ANY, _find_method),
        ("PUT", _ANY, _update_method),
        ("DELETE", _ANY, _delete_method),
        ("POST", "/client_token", _client_token),
    )
]


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
        await Response(content, status, media_type="application/xml")(scope, receive, send)

    async def _answer(
        self, request: Request, path: str, body: bytes, fault: Fault | None
    ) -> tuple[int, bytes]:
        if not _allowed(request):
            return 401, b"<errors>Unauthorized</errors>"
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
            run, ids = _routed(method, path)
            sent = xml.read(body) if body else {}
            with self.world.store.transaction():
                result = run(self.world, ids, sent)
        except errors.Refusal as refusal:
            return refusal.status, b""
        except xml.Unreadable:
            return 400, b""
        except (errors.Invalid, errors.Declined) as error:
            return 422, xml.write("api_error_response", error.body(_params(sent)))
        if result is None:
            return 200, b""
        status, name, value = result
        return status, xml.write(name, value)

    def _log(self, request: Request, status: int, fault: Fault | None) -> None:
        entry = {"at": self.world.now(), "method": request.method, "path": request.url.path, "status": status}
        self.world.log.append({**entry, "fault": str(fault.kind) if fault else None})


def _routed(method: str, path: str) -> tuple[Run, dict[str, str]]:
    rest = path.removeprefix(f"/merchants/{MERCHANT}").removeprefix(f"/{MERCHANT}")
    for wanted, pattern, run in ROUTES:
        if wanted == method and (found := pattern.fullmatch(rest)):
            return run, found.groupdict()
    raise errors.Refusal(404)


def _allowed(request: Request) -> bool:
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return False
    try:
        given = base64.b64decode(value)
    except ValueError:
        return False
    return secrets.compare_digest(given, f"{PUBLIC_KEY}:{PRIVATE_KEY}".encode())


def _params(sent: Body) -> Body:
    """What an error repeats, without nonces."""
    found = {name: dict(value) for name, value in sent.items() if isinstance(value, dict)}
    for value in found.values():
        value.pop("payment_method_nonce", None)
        value.pop("device_data", None)
    return found


async def _silence(fault: Fault, receive: Receive) -> None:
    if fault.kind in (Kind.RESET_BEFORE, Kind.RESET_AFTER_EFFECT):
        await connection.abort(receive)
    else:
        await connection.hang(receive, fault.seconds)
