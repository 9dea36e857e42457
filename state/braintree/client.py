"""The one way to Braintree: within the budget, behind the breaker, measured, with an answer instead of an error.

The SDK is synchronous and has no idempotency keys: it runs in a bounded pool of threads, and whoever gets an
unknown outcome looks before trying again (DESIGN.md 4, law 6). Nobody waits for a call longer than `timeout`.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

from braintree import BraintreeGateway, Configuration, Environment
from braintree.exceptions.authentication_error import AuthenticationError
from braintree.exceptions.authorization_error import AuthorizationError
from braintree.exceptions.braintree_error import BraintreeError
from braintree.exceptions.http import timeout_error
from braintree.exceptions.not_found_error import NotFoundError
from braintree.exceptions.too_many_requests_error import TooManyRequestsError

from observability.metrics import BRAINTREE_REQUESTS, BRAINTREE_SECONDS
from state.braintree.threads import Seat, Threads
from state.redis.budget import Budget, Priority
from state.stripe.answers import Answer, Done, Limited, Refused, Unknown
from state.stripe.breaker import Breaker

T = TypeVar("T")

TIMEOUT: Final = 10.0
THREADS: Final = 8
LIMIT_PAUSE: Final = 5.0
"""Seconds to leave Braintree alone after a 429, which names no time."""
BUSY_PAUSE: Final = 1.0
"""Seconds until it is worth asking for a thread again."""


class RefusedError(Exception):
    """What a call raises to say that Braintree will not do it."""

    def __init__(self, refused: Refused) -> None:
        super().__init__(refused.reason)
        self.refused = refused


@dataclass(frozen=True, slots=True)
class Credentials:
    """The merchant's keys, and where its gateway is: `sandbox`, `production`, or the URL of a stand-in."""

    merchant_id: str
    public_key: str
    private_key: str
    environment: str

    def __repr__(self) -> str:
        """Without the keys: this may stand in a traceback."""
        return f"Credentials({self.merchant_id!r}, {self.environment!r})"


class Braintree:
    """One process's way to Braintree. Make it inside the running loop and close it there."""

    def __init__(
        self,
        credentials: Credentials,
        *,
        budget: Budget,
        breaker: Breaker,
        timeout: float = TIMEOUT,
        threads: int = THREADS,
    ) -> None:
        self.budget, self.breaker, self.timeout = budget, breaker, timeout
        self.threads = Threads(threads)
        self.gateway = BraintreeGateway(
            Configuration(
                _environment(credentials.environment),
                credentials.merchant_id,
                credentials.public_key,
                credentials.private_key,
                timeout=timeout,
                wrap_http_exceptions=True,
            )
        )

    async def close(self) -> None:
        """Let calls under way end, for no longer than a timeout."""
        await self.threads.close(self.timeout)


@dataclass(frozen=True, slots=True)
class Caller:
    """Braintree as one piece of work asks it. `before_send` is called last and may raise to hold a request back."""

    braintree: Braintree
    priority: Priority
    before_send: Callable[[], None]

    async def call(self, endpoint: str, ask: Callable[[Any], T]) -> Answer[T]:
        """What came of `ask`, which is given the SDK's gateway and runs in a thread. It may raise `RefusedError`."""
        braintree = self.braintree
        await braintree.budget.take(endpoint, self.priority)
        async with braintree.threads.seat(patience=braintree.timeout) as seat:
            if seat is None:
                return Limited(BUSY_PAUSE, "all threads for Braintree are taken")
            if held := braintree.breaker.admit():
                return Limited(held, "Braintree does not answer; waiting for it")
            return await self._sent(endpoint, seat, ask)

    async def _sent(self, endpoint: str, seat: Seat, ask: Callable[[Any], T]) -> Answer[T]:
        """The SDK's own timeout is for each step of a socket: an answer that trickles in is given up here."""
        braintree = self.braintree
        began = time.monotonic()
        try:
            self.before_send()
            with BRAINTREE_SECONDS.labels(endpoint=endpoint).time():
                found = await seat.run(partial(ask, braintree.gateway), seconds=braintree.timeout)
        except RefusedError as error:
            return self._answered(endpoint, str(error.refused.status), error.refused)
        except NotFoundError:
            missing = Refused("Braintree: not found", 404, "resource_missing", at=_looked(began))
            return self._answered(endpoint, "404", missing)
        except (BraintreeError, TimeoutError) as error:
            return await self._failed(endpoint, error)
        except BaseException:
            braintree.breaker.withdrawn()
            raise
        return self._answered(endpoint, "200", Done(found, at=_looked(began)))

    def _answered(self, endpoint: str, status: str, answer: Answer[T]) -> Answer[T]:
        BRAINTREE_REQUESTS.labels(endpoint=endpoint, status=status).inc()
        self.braintree.breaker.succeeded()
        return answer

    async def _failed(self, endpoint: str, error: BraintreeError | TimeoutError) -> Answer[T]:
        if isinstance(error, TooManyRequestsError):
            # Braintree does not say what its limit is, nor of what: the whole fleet goes slower.
            await self.braintree.budget.slow_down(None)
            return self._answered(endpoint, "429", Limited(LIMIT_PAUSE, "Braintree answers 429"))
        cause = _cause(error)
        BRAINTREE_REQUESTS.labels(endpoint=endpoint, status=cause).inc()
        self.braintree.breaker.failed()
        return Unknown(f"Braintree: {cause}")


def _cause(error: BraintreeError | TimeoutError) -> str:
    if isinstance(error, TimeoutError | timeout_error.TimeoutError):
        return "timeout"
    if isinstance(error, AuthenticationError | AuthorizationError):
        return "the keys are not accepted"
    return type(error).__name__


def _looked(began: float) -> datetime:
    """Our own clock when the request was sent: Braintree tells no time of its own that could be had here."""
    waited = time.monotonic() - began
    return datetime.fromtimestamp(int(time.time() - waited), UTC)


def _environment(name: str) -> Environment:
    if name in ("sandbox", "production"):
        return Environment.All[name]
    url = urlsplit(name)
    host, port = url.hostname or "127.0.0.1", str(url.port or 80)
    return Environment("stand-in", host, port, name, url.scheme == "https", None, host, port)
