"""The one way to Stripe: within the budget, behind the breaker, measured, with an answer instead of an error.

Retries are not made here: whoever asks decides by the class of the answer (DESIGN.md 4, law 6). Idempotency
keys are always the caller's, because the SDK's own would not survive a second delivery.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Protocol, TypeVar

import stripe
from stripe import StripeClient

from observability.metrics import STRIPE_REQUESTS, STRIPE_SECONDS
from state.redis.budget import Budget, Priority
from state.stripe.answers import Answer, Done, Limited, NeedsCustomer
from state.stripe.breaker import Breaker
from state.stripe.clock import seen_at
from state.stripe.failures import TIMED_OUT, Failure, understood
from state.stripe.transport import Transport

T = TypeVar("T")

TIMEOUT: Final = 10.0
PAGE: Final = 100
"""The most that Stripe gives of a list at once."""
REQUIRES_ACTION: Final = "requires_action"
"""The status of a setup or payment intent that waits for its customer, and of nothing else."""


class Identified(Protocol):
    """What has an id of Stripe's."""

    @property
    def id(self) -> str:
        """The id."""


Found = TypeVar("Found", bound=Identified)


class Stripe:
    """One process's way to Stripe. Make it inside the running loop and close it there."""

    def __init__(
        self,
        *,
        api_key: str,
        budget: Budget,
        breaker: Breaker,
        base_url: str | None = None,
        timeout: float = TIMEOUT,
    ) -> None:
        stripe.enable_telemetry = False
        self.budget, self.breaker, self.timeout = budget, breaker, timeout
        self._transport = Transport(timeout)
        self.sdk = StripeClient(
            api_key,
            base_addresses={"api": base_url} if base_url else None,
            http_client=self._transport,
            max_network_retries=0,
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._transport.close_async()  # type: ignore[no-untyped-call]


@dataclass(frozen=True, slots=True)
class Caller:
    """Stripe as one piece of work asks it. `before_send` is called last and may raise to hold a request back.

    The calls themselves are functions that take a caller, in a file per object: customers.py, setup_intents.py...
    """

    stripe: Stripe
    priority: Priority
    before_send: Callable[[], None]

    async def call(
        self,
        endpoint: str,
        send: Callable[[StripeClient], Awaitable[Any]],
        read: Callable[[Mapping[str, Any]], T],
        sent: Mapping[str, Any] | None = None,
    ) -> Answer[T]:
        """Send when there is room, and `read` the answer; what was `sent` never comes back in a reason."""
        await self.stripe.budget.take(endpoint, self.priority)
        if held := self.stripe.breaker.admit():
            return Limited(held, "Stripe does not answer; waiting for it")
        began = time.monotonic()
        try:
            self.before_send()
            with STRIPE_SECONDS.labels(endpoint=endpoint).time():
                async with asyncio.timeout(self.stripe.timeout):
                    found = await send(self.stripe.sdk)
        except TimeoutError:
            return await self._failed(endpoint, TIMED_OUT)
        except stripe.StripeError as error:
            at = seen_at(error.headers, time.monotonic() - began)
            return await self._failed(endpoint, understood(error, sent or {}, at))
        except BaseException:
            self.stripe.breaker.withdrawn()
            raise
        STRIPE_REQUESTS.labels(endpoint=endpoint, status="200").inc()
        self.stripe.breaker.succeeded()
        headers = found.last_response.headers
        replayed = headers.get("idempotent-replayed") == "true"
        return _done(found.to_dict(), read, replayed, seen_at(headers, time.monotonic() - began))

    async def _failed(self, endpoint: str, failure: Failure) -> Answer[T]:
        STRIPE_REQUESTS.labels(endpoint=endpoint, status=failure.status).inc()
        (self.stripe.breaker.failed if failure.out_of_order else self.stripe.breaker.succeeded)()
        if failure.limit is not None:
            await self.stripe.budget.slow_down(endpoint if failure.limit == "endpoint" else None)
        return failure.answer


def _done(
    body: Mapping[str, Any], read: Callable[[Mapping[str, Any]], T], replayed: bool, at: datetime | None
) -> Done[T]:
    """What Stripe did; an intent says by its status that the rest is its customer's."""
    if body.get("status") != REQUIRES_ACTION:
        return Done(read(body), replayed, at)
    return NeedsCustomer(read(body), replayed, at, str((body.get("next_action") or {}).get("type") or ""))


async def all_pages(
    page_after: Callable[[str | None], Awaitable[Answer[tuple[Found, ...]]]],
) -> AsyncIterator[Answer[tuple[Found, ...]]]:
    """Every page of a list, `page_after` the last id of the one before; ends with the first that is not `Done`."""
    after = None
    while True:
        page = await page_after(after)
        yield page
        if not isinstance(page, Done) or len(page.value) < PAGE:
            return
        after = page.value[-1].id


def keyed(key: str) -> Any:
    """The options of a call that Stripe answers the same way when it is repeated."""
    return {"idempotency_key": key}


def typed(params: Mapping[str, Any]) -> Any:
    """The SDK types each parameter table; ours are made from values and checked against Stripe's OpenAPI."""
    return params


def paged(params: Mapping[str, Any], after: str | None) -> Any:
    """The parameters of a page of a list, behind the id `after`."""
    return {**params, "limit": PAGE, **({"starting_after": after} if after else {})}


def each(read: Callable[[Mapping[str, Any]], T]) -> Callable[[Mapping[str, Any]], tuple[T, ...]]:
    """Read a page of a list: its objects one by one."""
    return lambda page: tuple(read(one) for one in page["data"])
