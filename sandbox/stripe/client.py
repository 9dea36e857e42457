"""The real `stripe` client pointed at a double, sync or async, called with the same words in both modes."""

import inspect
from typing import Any, Literal

import stripe

from sandbox.stripe.world import API_KEY


class Api:
    """`await api.customers("create", {"name": "Ada"}, key="k")`, whichever mode it is in.

    A sync call blocks the running loop, as it would in a program. `options` go to the StripeClient, which
    does not retry unless told to. Close it in the loop that made it.
    """

    def __init__(
        self, url: str, *, mode: Literal["sync", "async"], timeout: float = 20, **options: Any
    ) -> None:
        self.mode = mode
        http = stripe.RequestsClient if mode == "sync" else stripe.HTTPXClient
        self._http: Any = http(timeout=timeout)
        given = {"api_key": API_KEY, "max_network_retries": 0, **options}
        self.client = stripe.StripeClient(base_addresses={"api": url}, http_client=self._http, **given)

    async def customers(self, verb: str, *arguments: Any, key: str | None = None) -> Any:
        """A call of the customers service; `key` is the idempotency key."""
        return await self._call(self.client.v1.customers, verb, arguments, key)

    async def tax_ids(self, verb: str, *arguments: Any, key: str | None = None) -> Any:
        """A call of the tax id service of customers."""
        return await self._call(self.client.v1.customers.tax_ids, verb, arguments, key)

    async def subscriptions(self, verb: str, *arguments: Any, key: str | None = None) -> Any:
        """A call of the subscriptions service."""
        return await self._call(self.client.v1.subscriptions, verb, arguments, key)

    async def products(self, verb: str, *arguments: Any, key: str | None = None) -> Any:
        """A call of the products service."""
        return await self._call(self.client.v1.products, verb, arguments, key)

    async def prices(self, verb: str, *arguments: Any, key: str | None = None) -> Any:
        """A call of the prices service."""
        return await self._call(self.client.v1.prices, verb, arguments, key)

    async def events(self, verb: str, *arguments: Any) -> Any:
        """A call of the events service."""
        return await self._call(self.client.v1.events, verb, arguments, None)

    async def webhook_endpoints(self, verb: str, *arguments: Any, key: str | None = None) -> Any:
        """A call of the webhook endpoints service."""
        return await self._call(self.client.v1.webhook_endpoints, verb, arguments, key)

    async def all_of(self, page: Any) -> list[Any]:
        """Everything from this page on, by the client's own paging."""
        if self.mode == "sync":
            return list(page.auto_paging_iter())
        return [one async for one in page.auto_paging_iter()]

    async def close(self) -> None:
        """Closes the connections."""
        if self.mode == "sync":
            self._http.close()
        else:
            await self._http.close_async()

    async def _call(self, service: Any, verb: str, arguments: tuple[Any, ...], key: str | None) -> Any:
        options = {"options": {"idempotency_key": key}} if key else {}
        result = getattr(service, verb if self.mode == "sync" else f"{verb}_async")(*arguments, **options)
        return await result if inspect.isawaitable(result) else result
