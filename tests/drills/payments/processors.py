"""Both processors as the world outside uses them: a payer's page, a payer at PayPal, somebody at their consoles."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

import httpx

from sandbox.stripe.world import API_KEY
from tests import plain_http

Body = dict[str, Any]
TRIES: Final = 8
BUSY: Final = 429


@dataclass(slots=True)
class Processors:
    """Where the doubles are. `secrets` are nonces and client secrets that were seen: nobody may write them down."""

    stripe_url: str
    braintree_url: str
    secrets: set[str] = field(default_factory=set)

    async def ask_stripe(self, method: str, path: str, form: Mapping[str, Any] | None = None) -> Body | None:
        """Stripe's API; None when Stripe refuses or does not answer, as it may in a drill."""
        headers = {"Authorization": f"Bearer {API_KEY}"}
        found = await _asked(method, f"{self.stripe_url}/v1/{path}", headers=headers, data=form)
        if found and "client_secret" in found:
            self.secrets.add(found["client_secret"])
        return found

    async def at_stripe(self, method: str, path: str, given: Body | None = None) -> Body | None:
        """What happens at Stripe without any request of the API (sandbox/stripe/control.py)."""
        return await _asked(method, f"{self.stripe_url}/_sandbox/{path}", json=given)

    async def at_braintree(self, method: str, path: str, given: Body | None = None) -> Body | None:
        """The same at Braintree and PayPal (sandbox/braintree/control.py)."""
        return await _asked(method, f"{self.braintree_url}/_sandbox/{path}", json=given)

    async def card(self, name: str) -> str:
        """A payment method of Stripe, as its page makes one of a test card; the card's name when that fails."""
        made = await self.ask_stripe(
            "POST", "payment_methods", {"type": "card", "card[token]": f"tok_{name}"}
        )
        return str(made["id"]) if made else f"pm_card_{name}"

    async def nonce(self, **given: Any) -> str:
        """A nonce of Braintree's page."""
        made = await self.at_braintree("POST", "nonces", given)
        found = str(made["nonce"]) if made else "no-nonce-was-made"
        self.secrets.add(found)
        return found

    async def methods_of(self, customer_id: str) -> list[Body]:
        """What Stripe keeps for a customer."""
        found = await self.ask_stripe("GET", f"customers/{customer_id}/payment_methods?limit=100")
        return list(found["data"]) if found else []

    async def subscriptions_of(self, customer_id: str) -> list[Body]:
        """Its living subscriptions."""
        found = await self.ask_stripe("GET", f"subscriptions?limit=100&customer={customer_id}")
        return list(found["data"]) if found else []

    async def agreements(self) -> list[Body]:
        """Everything in the vault."""
        found = await self.at_braintree("GET", "objects?kind=payment_method")
        return list(found["objects"]) if found else []


async def _asked(method: str, url: str, **given: Any) -> Body | None:
    """Patient with 429, as every client of Stripe's is."""
    async with plain_http.client(timeout=10, headers=given.pop("headers", None)) as client:
        with suppress(httpx.HTTPError):
            for _ in range(TRIES):
                answer = await client.request(method, url, **given)
                if answer.status_code != BUSY:
                    break
                await asyncio.sleep(0.5)
            answer.raise_for_status()
            found: Body = answer.json()
            return found
    return None
