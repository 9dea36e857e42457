"""An entry point as a value, and the one corridor every request walks: who, how often, what, answer."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from math import ceil
from typing import Any

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from handlers.decision import Problem
from observability.metrics import RATE_LIMITED
from producers.http.body import read
from producers.http.callers import ANONYMOUS, Caller, forbidden
from producers.http.errors import ApiError, no_such_account
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
    parameters behind the question mark, `refusals` the codes it may refuse with besides the usual ones.
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
    query: Mapping[str, str] | None = None
    refusals: tuple[Code, ...] = ()


def served(endpoint: Endpoint) -> Callable[[Request], Awaitable[Response]]:
    """The endpoint as the application calls it."""

    async def serve(request: Request) -> Response:
        visit = await _admit(request, endpoint)
        if endpoint.body is None:
            return await endpoint.call(visit)
        return await endpoint.call(visit, await read(request, endpoint.body))

    return serve


async def _admit(request: Request, endpoint: Endpoint) -> Visit:
    """Raises 1401, 1403, 1429, or 1404 for an account out of reach, in this order of importance."""
    surface: Surface = request.app.state.surface
    if not endpoint.credentials:
        await _limit(surface, [(f"address:{_address(request)}", surface.settings.rates.address)])
        return Visit(request, surface, ANONYMOUS, "")
    caller = await surface.access(request.headers.get("authorization"))
    account_id = request.path_params.get("account_id", "")
    known = not account_id or (ACCOUNT_ID.fullmatch(account_id) is not None and caller.may_see(account_id))
    await _limit(surface, _buckets(surface, caller, account_id if known else ""))
    if endpoint.scope is not None and endpoint.scope not in caller.scopes:
        raise forbidden(endpoint.scope)
    if not known:
        raise no_such_account()
    return Visit(request, surface, caller, account_id)


def _buckets(surface: Surface, caller: Caller, account_id: str) -> list[tuple[str, Rate]]:
    rates = surface.settings.rates
    buckets = [(f"caller:{caller.id}", rates.caller)]
    return [*buckets, (f"account:{account_id}", rates.account)] if account_id else buckets


async def _limit(surface: Surface, buckets: list[tuple[str, Rate]]) -> None:
    wait = await surface.limits.take(buckets)
    if wait > 0:
        RATE_LIMITED.labels(surface=surface.kind.name).inc()
        seconds = str(ceil(wait))
        message = f"Too many requests. Try again in {seconds} seconds."
        raise ApiError(Code.RATE_LIMITED, message, headers={"Retry-After": seconds})


def _address(request: Request) -> str:
    return request.client.host if request.client else "unknown"


def expected_version(visit: Visit) -> int | None:
    """The query parameter `expected_version`, a positive integer. Raises 1400."""
    given = visit.request.query_params.get("expected_version")
    if given is None:
        return None
    if not (given.isascii() and given.isdecimal() and int(given[:10]) > 0 and len(given) <= 9):
        wrong = Problem("/expected_version", "Send the version you read, a positive number.")
        raise ApiError(Code.INVALID, "The request is not valid.", (wrong,))
    return int(given)
