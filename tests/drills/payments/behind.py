"""What happens at the processors behind our back: payers revoke, cards end and are renewed, others touch what is ours.

Webhooks tell of most of it, as far as the plan of deliveries lets them; of some of it nobody tells.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

from state.postgres.connection import STORE_DOWN, connect
from tests.drills.payments.payers import Payer
from tests.drills.payments.processors import Body, Processors

PRICES: Final = (0, 500)
"""Of the subscriptions that others make: one is free, and needs no method."""
_CUSTOMER: Final = (
    "SELECT account_id, customer_id FROM stripe_customers "
    "WHERE account_id = ANY($1::text[]) AND customer_id IS NOT NULL"
)
_AN_HOUR_PASSES: Final = """
UPDATE effects SET due_at = statement_timestamp() WHERE state = 'open' AND kind = 'payments.setup_deadline'
"""


@dataclass(slots=True)
class Behind:
    """Everybody else, who mostly act while a payer does too. `done` counts what was done."""

    dsn: str
    payers: Sequence[Payer]
    at: Processors
    rng: Random
    prices: list[str] = field(default_factory=list)
    done: dict[str, int] = field(default_factory=dict)

    async def keep_acting(self, enough: asyncio.Event, *, pause: float) -> None:
        """One thing after the other, until it is enough."""
        while not enough.is_set():
            await self.act()
            await asyncio.sleep(self.rng.uniform(0, 2 * pause))

    async def act(self) -> None:
        """Do one thing to somebody who has a customer."""
        customers = await self._customers()
        if not customers:
            return
        await self._make_prices()
        (chosen,) = self.rng.choices(_ACTS, _WEIGHTS)
        name = chosen.__name__.replace("_", " ")
        self.done[name] = self.done.get(name, 0) + 1
        await chosen(self, customers[self.rng.choice(self._accounts(customers))])

    async def expire(self, customer: str) -> None:
        """A card's date is past."""
        await self._to_a_method(customer, "expire")

    async def renew(self, customer: str) -> None:
        """The network sends a new date."""
        await self._to_a_method(customer, "renew", {"exp_year": self.rng.randint(2035, 2045)})

    async def detach(self, customer: str) -> None:
        """Somebody detaches a method at Stripe's console."""
        await self._to_a_method(customer, "detach")

    async def subscribe(self, customer: str) -> None:
        """Another service subscribes the customer, collected in the one way or the other."""
        form: dict[str, Any] = {"customer": customer, "items[0][price]": self.rng.choice(self.prices)}
        await self.at.ask_stripe("POST", "subscriptions", {**form, **self._collected()})

    async def switch(self, customer: str) -> None:
        """Somebody sets by hand how a subscription is collected."""
        if subscription := await self._subscription(customer):
            await self.at.ask_stripe("POST", f"subscriptions/{subscription['id']}", self._collected())

    async def cancel(self, customer: str) -> None:
        """A subscription ends."""
        if subscription := await self._subscription(customer):
            await self.at.ask_stripe("DELETE", f"subscriptions/{subscription['id']}")

    async def rename(self, customer: str) -> None:
        """Somebody writes over the customer's name; half of the time no event tells of it."""
        silent = self.rng.choice(("true", "false"))
        named = {"name": f"Eve {self.rng.randrange(1000)}"}
        await self.at.at_stripe("PATCH", f"objects/{customer}?silent={silent}", named)

    async def choose_another_default(self, customer: str) -> None:
        """Somebody changes the default at Stripe."""
        if methods := await self.at.methods_of(customer):
            form = {"invoice_settings[default_payment_method]": self.rng.choice(methods)["id"]}
            await self.at.ask_stripe("POST", f"customers/{customer}", form)

    async def revoke(self, _: str) -> None:
        """A payer revokes an agreement at PayPal: told once, three times, late or not at all."""
        alive = [one for one in await self.at.agreements() if not one.get("revoked_at")][-10:]
        if alive:
            told = {"copies": self.rng.choice((0, 1, 1, 1, 3)), "delay": self.rng.choice((0, 0, 1, 4))}
            await self.at.at_braintree(
                "POST", f"payment_methods/{self.rng.choice(alive)['token']}/revoke", told
            )

    async def delete(self, _: str) -> None:
        """Somebody deletes an agreement at Braintree's console: nothing tells of that."""
        if found := await self.at.agreements():
            await self.at.at_braintree("DELETE", f"payment_methods/{self.rng.choice(found)['token']}")

    async def let_an_hour_pass(self, _: str = "") -> None:
        """The time to authenticate is over for everybody who was asked so far."""
        with suppress(*STORE_DOWN):
            connection = await connect(self.dsn, name="drill-hour")
            try:
                await connection.execute(_AN_HOUR_PASSES)
            finally:
                await connection.close(timeout=2)

    async def _to_a_method(self, customer: str, what: str, given: Body | None = None) -> None:
        if found := await self.at.methods_of(customer):
            await self.at.at_stripe("POST", f"payment_methods/{self.rng.choice(found)['id']}/{what}", given)

    async def _subscription(self, customer: str) -> Body | None:
        found = await self.at.subscriptions_of(customer)
        return self.rng.choice(found) if found else None

    def _collected(self) -> dict[str, Any]:
        if self.rng.random() < 0.5:
            return {"collection_method": "send_invoice", "days_until_due": self.rng.choice((7, 30))}
        return {"collection_method": "charge_automatically"}

    def _accounts(self, known: Mapping[str, str]) -> list[str]:
        busy = [one.account_id for one in self.payers if one.here and one.account_id in known]
        return busy if busy and self.rng.random() < 0.7 else list(known)

    async def _customers(self) -> dict[str, str]:
        try:
            connection = await connect(self.dsn, name="drill-behind")
        except STORE_DOWN:
            return {}
        try:
            found = await connection.fetch(_CUSTOMER, [payer.account_id for payer in self.payers])
            return {row["account_id"]: row["customer_id"] for row in found}
        except STORE_DOWN:
            return {}
        finally:
            connection.terminate()

    async def _make_prices(self) -> None:
        for amount in PRICES[len(self.prices) :]:
            form = {"currency": "usd", "unit_amount": amount, "recurring[interval]": "month"}
            made = await self.at.ask_stripe("POST", "prices", {**form, "product_data[name]": "Pro"})
            if made:
                self.prices.append(str(made["id"]))


_SHARES: Final[dict[Callable[[Behind, str], Awaitable[None]], float]] = {
    Behind.expire: 2,
    Behind.renew: 2,
    Behind.detach: 2,
    Behind.subscribe: 8,
    Behind.switch: 5,
    Behind.cancel: 1,
    Behind.rename: 1,
    Behind.choose_another_default: 2,
    Behind.revoke: 2,
    Behind.delete: 0.7,
    Behind.let_an_hour_pass: 1,
}
_ACTS: Final = tuple(_SHARES)
_WEIGHTS: Final = tuple(_SHARES.values())
