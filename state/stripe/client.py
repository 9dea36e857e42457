"""The one way to Stripe: within the budget, behind the breaker, measured, with an answer instead of an error.

Retries are not made here: whoever asks decides by the class of the answer (DESIGN.md 4, law 6). Idempotency
keys are always the caller's, because the SDK's own would not survive a second delivery.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeVar

import stripe

from observability.metrics import STRIPE_REQUESTS, STRIPE_SECONDS
from state.redis.budget import Budget, Priority
from state.stripe import customers
from state.stripe.answers import Answer, Done, Limited
from state.stripe.breaker import Breaker
from state.stripe.customers import Customer, TaxId
from state.stripe.failures import TIMED_OUT, Failure, understood
from state.stripe.transport import Transport

T = TypeVar("T")

TIMEOUT: Final = 10.0
PAGE: Final = 100
_WITH_TAX_IDS: Final = {"expand": ["tax_ids"]}

CREATE: Final = "POST /v1/customers"
LIST: Final = "GET /v1/customers"
UPDATE: Final = "POST /v1/customers/{customer}"
RETRIEVE: Final = "GET /v1/customers/{customer}"
DELETE: Final = "DELETE /v1/customers/{customer}"
CREATE_TAX_ID: Final = "POST /v1/customers/{customer}/tax_ids"
DELETE_TAX_ID: Final = "DELETE /v1/customers/{customer}/tax_ids/{id}"


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
        self._sdk = stripe.StripeClient(
            api_key,
            base_addresses={"api": base_url} if base_url else None,
            http_client=self._transport,
            max_network_retries=0,
        )
        self.customers = self._sdk.v1.customers

    async def close(self) -> None:
        """Close the connections."""
        await self._transport.close_async()  # type: ignore[no-untyped-call]


@dataclass(frozen=True, slots=True)
class Caller:
    """Stripe as one piece of work asks it. `before_send` is called last and may raise to hold a request back."""

    stripe: Stripe
    priority: Priority
    before_send: Callable[[], None]

    async def create_customer(self, params: Mapping[str, Any], *, key: str) -> Answer[Customer]:
        """A new customer."""
        return await self._ask(
            CREATE,
            lambda: self.stripe.customers.create_async(_typed(params), _keyed(key)),
            customers.customer,
            params,
        )

    async def update_customer(
        self, customer_id: str, params: Mapping[str, Any], *, key: str
    ) -> Answer[Customer]:
        """The customer after the update, with its tax ids. A deleted one is `resource_missing`."""
        return await self._ask(
            UPDATE,
            lambda: self.stripe.customers.update_async(
                customer_id, _typed({**params, **_WITH_TAX_IDS}), _keyed(key)
            ),
            customers.customer,
            params,
        )

    async def retrieve_customer(self, customer_id: str) -> Answer[Customer]:
        """The customer with its tax ids, or the stub of a deleted one."""
        return await self._ask(
            RETRIEVE,
            lambda: self.stripe.customers.retrieve_async(customer_id, _typed(_WITH_TAX_IDS)),
            customers.customer,
        )

    async def delete_customer(self, customer_id: str) -> Answer[Customer]:
        """The stub of the customer. It takes its payment methods and subscriptions with it."""
        return await self._ask(
            DELETE, lambda: self.stripe.customers.delete_async(customer_id), customers.customer
        )

    async def list_customers(
        self, *, created_from: datetime, after: str | None = None
    ) -> Answer[tuple[Customer, ...]]:
        """A page of up to 100 customers created since then, newest first, behind the id `after`."""
        params: dict[str, Any] = {"limit": PAGE, "created": {"gte": int(created_from.timestamp())}}
        if after:
            params["starting_after"] = after
        return await self._ask(
            LIST, lambda: self.stripe.customers.list_async(_typed(params)), _each(customers.customer)
        )

    async def create_tax_id(self, customer_id: str, kind: str, value: str, *, key: str) -> Answer[TaxId]:
        """A new tax id of the customer; Stripe refuses a value that has not the form of its type."""
        params = {"type": kind, "value": value}
        return await self._ask(
            CREATE_TAX_ID,
            lambda: self.stripe.customers.tax_ids.create_async(customer_id, _typed(params), _keyed(key)),
            customers.tax_id,
            params,
        )

    async def delete_tax_id(self, customer_id: str, tax_id: str) -> Answer[str]:
        """The id of the tax id that is gone."""
        return await self._ask(
            DELETE_TAX_ID,
            lambda: self.stripe.customers.tax_ids.delete_async(customer_id, tax_id),
            lambda body: str(body["id"]),
        )

    async def created_since(self, moment: datetime) -> AsyncIterator[Answer[tuple[Customer, ...]]]:
        """Every page of customers created since then; ends with the first answer that is not `Done`."""
        after = None
        while True:
            page = await self.list_customers(created_from=moment, after=after)
            yield page
            if not isinstance(page, Done) or len(page.value) < PAGE:
                return
            after = page.value[-1].id

    async def _ask(
        self,
        endpoint: str,
        send: Callable[[], Awaitable[Any]],
        read: Callable[[Mapping[str, Any]], T],
        sent: Mapping[str, Any] | None = None,
    ) -> Answer[T]:
        """Send when there is room; what was `sent` never comes back in a reason."""
        await self.stripe.budget.take(endpoint, self.priority)
        if held := self.stripe.breaker.admit():
            return Limited(held, "Stripe does not answer; waiting for it")
        try:
            self.before_send()
            with STRIPE_SECONDS.labels(endpoint=endpoint).time():
                async with asyncio.timeout(self.stripe.timeout):
                    found = await send()
        except TimeoutError:
            return await self._failed(endpoint, TIMED_OUT)
        except stripe.StripeError as error:
            return await self._failed(endpoint, understood(error, sent or {}))
        except BaseException:
            self.stripe.breaker.withdrawn()
            raise
        STRIPE_REQUESTS.labels(endpoint=endpoint, status="200").inc()
        self.stripe.breaker.succeeded()
        return Done(read(found.to_dict()), found.last_response.headers.get("idempotent-replayed") == "true")

    async def _failed(self, endpoint: str, failure: Failure) -> Answer[T]:
        STRIPE_REQUESTS.labels(endpoint=endpoint, status=failure.status).inc()
        (self.stripe.breaker.failed if failure.out_of_order else self.stripe.breaker.succeeded)()
        if failure.limit is not None:
            await self.stripe.budget.slow_down(endpoint if failure.limit == "endpoint" else None)
        return failure.answer


def _keyed(key: str) -> Any:
    return {"idempotency_key": key}


def _typed(params: Mapping[str, Any]) -> Any:
    """The SDK types each parameter table; ours are made from values and checked against Stripe's OpenAPI."""
    return params


def _each(read: Callable[[Mapping[str, Any]], T]) -> Callable[[Mapping[str, Any]], tuple[T, ...]]:
    return lambda page: tuple(read(one) for one in page["data"])
