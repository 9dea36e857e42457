"""An entry point as a value, and the one corridor every request walks: who, how often, what, answer."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from math import ceil
from typing import Any

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from observability.metrics import RATE_LIMITED
from producers.http import query
from producers.http.body import read, refuse
from producers.http.callers import ANONYMOUS, Caller, forbidden
from producers.http.errors import ApiError, no_such_account
from producers.http.failures import source
from producers.http.query import Whole
from producers.http.surface import Surface
from state.redis.rate_limits import Rate
from topics.codes import Code
from topics.ids import ACCOUNT_ID


@dataclass(frozen=True, slots=True)
class Visit:
    """An admitted request. `account_id` is empty on paths without an account."""

    request: Request
    surface: Surface
    caller: Caller
    account_id: str

    def path(self, name: str) -> str:
        """A piece of the path."""
        return str(self.request.path_params[name])


@dataclass(frozen=True, slots=True)
class Example:
    """What the documentation shows: a request's body, if it has one, and the `result` of its answer."""

    result: Any
    body: Any = None


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One operation of a surface.

    `call` takes the visit, and the body when the endpoint has one. Without `credentials` anybody may
    call, limited by address. `command` says that it changes something, through Kafka. `query` names the
    parameters behind the question mark, `elsewhere` what to do about fields that belong into another request,
    `refusals` the codes it may refuse with besides the usual ones.
    """

    method: str
    path: str
    call: Callable[..., Awaitable[Response]]
    summary: str
    result: type[Any]
    example: Example
    scope: str | None = None
    credentials: bool = True
    body: type[BaseModel] | None = None
    command: bool = False
    query: Mapping[str, Whole] | None = None
    elsewhere: Mapping[str, str] = field(default_factory=dict)
    refusals: tuple[Code, ...] = ()


def served(endpoint: Endpoint) -> Callable[[Request], Awaitable[Response]]:
    """The endpoint as the application calls it."""

    parameters = frozenset(endpoint.query or ())

    async def serve(request: Request) -> Response:
        visit = await _admit(request, endpoint)
        query.check(request, parameters)
        if endpoint.command:
            query.check_conditions(request)
        if endpoint.body is None:
            await refuse(request, query=parameters)
            return await endpoint.call(visit)
        return await endpoint.call(visit, await read(request, endpoint.body, elsewhere=endpoint.elsewhere))

    return serve


async def _admit(request: Request, endpoint: Endpoint) -> Visit:
    """Raises 1401, 1403, 1429, or 1404 for an account out of reach, in this order of importance."""
    surface: Surface = request.app.state.surface
    if not endpoint.credentials:
        await _limit(surface, [(f"address:{_address(request)}", surface.settings.rates.address)])
        return Visit(request, surface, ANONYMOUS, "")
    caller = await _caller(request, surface)
    account_id = request.path_params.get("account_id", "")
    known = not account_id or (ACCOUNT_ID.fullmatch(account_id) is not None and caller.may_see(account_id))
    await _limit(surface, _buckets(surface, caller, account_id if known else ""))
    if endpoint.scope is not None and endpoint.scope not in caller.scopes:
        raise forbidden(endpoint.scope)
    if not known:
        raise no_such_account()
    return Visit(request, surface, caller, account_id)


async def _caller(request: Request, surface: Surface) -> Caller:
    """Raises 1401, or 1429 for an address that came with too many tokens that do not hold."""

    def stranger() -> None:
        _refuse(surface, surface.failures.wait(_address(request)))

    try:
        return await surface.access(request.headers.get("authorization"), stranger)
    except ApiError as error:
        if error.code == Code.UNAUTHENTICATED:
            _refuse(surface, await surface.failures.count(_address(request)))
        raise


def _buckets(surface: Surface, caller: Caller, account_id: str) -> list[tuple[str, Rate]]:
    rates = surface.settings.rates
    buckets = [(f"caller:{caller.id}", rates.caller)]
    return [*buckets, (f"account:{account_id}", rates.account)] if account_id else buckets


async def _limit(surface: Surface, buckets: list[tuple[str, Rate]]) -> None:
    _refuse(surface, await surface.limits.take(buckets))


def _refuse(surface: Surface, wait: float) -> None:
    if wait > 0:
        RATE_LIMITED.labels(surface=surface.kind.name).inc()
        seconds = str(ceil(wait))
        message = f"Too many requests. Try again in {seconds} seconds."
        raise ApiError(Code.RATE_LIMITED, message, headers={"Retry-After": seconds})


def _address(request: Request) -> str:
    return source(request.client.host) if request.client else "unknown"
