"""The door of the API: the life of one request, from its key and version to the answer and the log.

API key -> version -> route -> rate limit -> read -> fault -> idempotency key -> one transaction -> answer
"""

import asyncio
import logging
import time
from typing import Any

import orjson
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from sandbox.stripe import (
    connection,
    customers,
    effects,
    errors,
    event_api,
    events,
    forms,
    payment_methods,
    prices,
    products,
    setup_intents,
    subscriptions,
    tax_ids,
    webhook_endpoints,
)
from sandbox.stripe.endpoint import Call, Endpoint, Router
from sandbox.stripe.errors import ApiError
from sandbox.stripe.faults import Kind
from sandbox.stripe.idempotency import Remembered
from sandbox.stripe.wire import Answer, Request, arrived, parameters, send_answer
from sandbox.stripe.world import API_VERSION, World

RESOURCES = (
    *(customers, tax_ids, payment_methods, setup_intents, subscriptions, products, prices),
    *(event_api, webhook_endpoints),
)
ENDPOINTS = [endpoint for resource in RESOURCES for endpoint in resource.ENDPOINTS]
ROUTER = Router(ENDPOINTS)
RESETS = (Kind.RESET_BEFORE, Kind.RESET_AFTER_EFFECT)
BEFORE = (Kind.RESET_BEFORE, Kind.TIMEOUT_BEFORE)
SILENT = (*RESETS, Kind.TIMEOUT_BEFORE, Kind.TIMEOUT_AFTER_EFFECT)


class Gateway:
    """The ASGI application of everything below /v1 of one world."""

    def __init__(self, world: World) -> None:
        self.world = world

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request, or leaves it without an answer if its fault says so."""
        request = arrived(scope)
        try:
            answer = await self._answer(request, receive)
        except ApiError as error:
            answer = self._error(request, error)
        except ClientDisconnect:
            return
        if request.fault and request.fault.kind in SILENT:
            self._log(request, None)
            await _silence(request, receive)
        else:
            self._log(request, answer)
            await send_answer(send, request, answer)

    async def _answer(self, request: Request, receive: Receive) -> Answer:
        endpoint, ids = self._admitted(request)
        request.encoded = await parameters(request, receive)
        request.form = forms.decode(request.encoded)
        request.fault = self.world.plan.strike(request.method, request.path)
        _refuse(request)
        if request.fault and request.fault.kind in BEFORE:
            return Answer(0, b"")
        if request.key is None:
            return await self._executed(request, endpoint, ids)
        return await self._once(request, endpoint, ids, request.key)

    def _admitted(self, request: Request) -> tuple[Endpoint, tuple[str, ...]]:
        """The endpoint of a request with our key and version, within its limits. Raises ApiError."""
        if request.api_key != self.world.options.api_key:
            raise errors.unauthorized(request.api_key)
        if request.version != API_VERSION:
            raise errors.unknown_version(request.version)
        found = ROUTER.find(request.method, request.path)
        if found is None:
            raise errors.unrecognized_url(request.method, request.path)
        request.endpoint = found[0].name
        if reason := self.world.limiter.refuses(request.endpoint, time.monotonic()):
            raise errors.rate_limited(reason)
        return found

    async def _once(self, request: Request, endpoint: Endpoint, ids: tuple[str, ...], key: str) -> Answer:
        """The stored answer of the key; or that of a first execution, during which the key is in flight."""
        stored = self.world.keys.claim(key, request.path, request.form, self.world.clock.now())
        if stored:
            await _slowly(request)
            return _replayed(key, stored)
        try:
            return await self._executed(request, endpoint, ids)
        finally:
            self.world.keys.release(key)

    async def _executed(self, request: Request, endpoint: Endpoint, ids: tuple[str, ...]) -> Answer:
        await _slowly(request)
        try:
            _break_down(request)
            given, includes = endpoint.read(request.form)
            now = self.world.clock.now()
            call = Call(self.world.store, now, now - self.world.search_lag, ids, given, includes)
            if request.method == "GET":
                return Answer(200, orjson.dumps(endpoint.run(call)))
            return self._effected(request, endpoint, call)
        except ApiError as error:
            return self._refused(request, error)
        except Exception:
            logging.getLogger(__name__).exception("the double broke on %s", endpoint.name)
            raise errors.server_error(executed=False) from None

    def _effected(self, request: Request, endpoint: Endpoint, call: Call) -> Answer:
        """Effect, ledger and stored answer in one transaction."""
        with self.world.store.transaction(), events.caused_by(request.id, request.key):
            result: Any = endpoint.run(call)
            if isinstance(result, ApiError):  # it failed, and what it did stays
                answer = self._error(request, result)
                self._keep(request, answer)
                return answer
            effects.record(
                call.store,
                at=call.at,
                endpoint=endpoint.name,
                object_id=result["id"],
                idempotency_key=request.key,
                request_id=request.id,
            )
            answer = Answer(200, orjson.dumps(result), _echo(request))
            if request.fault and request.fault.kind is Kind.ERROR_500_AFTER_EFFECT:
                answer = self._error(request, errors.server_error(executed=True))
            self._keep(request, answer)
        return answer

    def _refused(self, request: Request, error: ApiError) -> Answer:
        """An error of the endpoint; one that came while executing is stored under the key."""
        answer = self._error(request, error)
        if error.executed:
            with self.world.store.transaction():
                self._keep(request, answer)
        return answer

    def _error(self, request: Request, error: ApiError) -> Answer:
        body = orjson.dumps(error.body(request.id, self.world.clock.now()))
        return Answer(error.status, body, {**error.headers, **(_echo(request) if error.executed else {})})

    def _keep(self, request: Request, answer: Answer) -> None:
        if request.key is not None:
            remembered = Remembered(answer.status, answer.body, request.id)
            self.world.keys.keep(request.key, request.path, request.form, self.world.clock.now(), remembered)

    def _log(self, request: Request, answer: Answer | None) -> None:
        self.world.log.add(
            {
                "at": self.world.clock.now(),
                "method": request.method,
                "path": request.path,
                "endpoint": request.endpoint,
                "idempotency_key": request.key,
                "params": request.form,
                "encoded": request.encoded,
                "status": answer.status if answer else None,
                "replayed": bool(answer and answer.replayed),
                "fault": request.fault.kind if request.fault else None,
                "request_id": request.id,
                "milliseconds": round((time.perf_counter() - request.began) * 1000, 2),
            }
        )


def _refuse(request: Request) -> None:
    """Raises what a fault answers before anything is looked at."""
    match request.fault and request.fault.kind:
        case Kind.ERROR_500_BEFORE:
            raise errors.server_error(executed=False)
        case Kind.CONFLICT_409:
            raise errors.key_in_use(request.key or "(none)")
        case Kind.LOCK_TIMEOUT:
            raise errors.lock_timeout()
        case Kind.RATE_LIMIT:
            raise errors.rate_limited("global-rate")


def _break_down(request: Request) -> None:
    """Raises the 500 of an execution that began and did nothing."""
    if request.fault and request.fault.kind is Kind.ERROR_500_STORED:
        raise errors.server_error(executed=True)


async def _slowly(request: Request) -> None:
    if request.fault and request.fault.kind is Kind.SLOW:
        await asyncio.sleep(request.fault.seconds)


async def _silence(request: Request, receive: Receive) -> None:
    assert request.fault
    if request.fault.kind in RESETS:
        await connection.abort(receive)
    else:
        await connection.hang(receive, request.fault.seconds)


def _replayed(key: str, stored: Remembered) -> Answer:
    headers = {"Idempotency-Key": key, "Original-Request": stored.request_id, "Idempotent-Replayed": "true"}
    if stored.status >= 500:
        headers["Stripe-Should-Retry"] = "false"
    return Answer(stored.status, stored.body, headers, replayed=True)


def _echo(request: Request) -> dict[str, str]:
    return {"Idempotency-Key": request.key, "Original-Request": request.id} if request.key else {}
