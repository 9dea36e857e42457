"""Payers: owners of accounts at the Dashboard, who keep, choose, edit and remove payment methods.

Each request has an idempotency key and is sent again until it is answered (tests/drills/customers.py); what the
payers are shown in between has to be right at every moment.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

from tests.drills.complaint import Complaint
from tests.drills.customers import PROFILE, Answer, Customer
from tests.drills.payments.processors import Processors

METHODS: Final = "payment-methods"
CARDS: Final = {
    "visa": 4,
    "mastercard": 3,
    "threeDSecure2Required": 3,
    "chargeDeclinedInsufficientFunds": 1,
    "chargeDeclined": 1,
}
ONE_DEFAULT: Final = "exactly one default while any method is active"
PAUSE: Final = 0.05


@dataclass(slots=True)
class Payer:
    """One account's owner. `shown_wrong` is what the Dashboard showed and should not have."""

    customer: Customer
    at: Processors
    rng: Random
    waiting: list[str] = field(default_factory=list)
    """Setup intents that ask for authentication, and that the payer has left alone so far."""
    shown_wrong: list[Complaint] = field(default_factory=list)
    here: bool = False
    """Whether the payer is at the Dashboard now."""

    @property
    def account_id(self) -> str:
        """Whose owner it is."""
        return self.customer.account_id

    async def act(self) -> None:
        """Do one thing."""
        (chosen,) = self.rng.choices(_ACTS, _WEIGHTS)
        await chosen(self)

    async def visit(self, acts: int, enough: asyncio.Event) -> None:
        """Come, do so many things unless it is enough, and leave."""
        self.here = True
        await self._begin()
        for _ in range(acts):
            if enough.is_set():
                break
            await self.act()
            await asyncio.sleep(PAUSE)
        self.here = False

    async def _begin(self) -> None:
        """Most payers say who they are first."""
        if self.rng.random() < 0.7:
            profile = {"last_name": "Hopper", "address": "7 High St", "city": "London", "country": "GB"}
            await self.customer.ask(("POST", PROFILE, {**profile, "zipcode": "SW1A 1AA"}))

    async def add_card(self) -> None:
        """Keep a card; one that asks for authentication gets it, or not, or later."""
        (name,) = self.rng.choices(list(CARDS), list(CARDS.values()))
        made = self.rng.random() < 0.7
        nonce = await self.at.card(name) if made else f"pm_card_{name}"
        given = {"type": "CREDIT_CARD", "payment_nonce": nonce, "default": self.rng.random() < 0.3}
        await self._authenticated(await self.customer.ask(("POST", METHODS, given)))

    async def connect_paypal(self) -> None:
        """Keep a PayPal agreement; now and then with a nonce that is none, or of the wrong kind."""
        kind = "paypal_one_time" if self.rng.random() < 0.1 else "paypal_agreement"
        nonce = await self.at.nonce(
            type=kind, email=f"payer{self.rng.randrange(10**6)}@drill-mail.example.com"
        )
        if self.rng.random() < 0.05:
            nonce = f"bogus{self.rng.getrandbits(80):x}"
        given = {
            "type": "PAYPAL",
            "payment_nonce": nonce,
            "device_data": f'{{"session":"{nonce[:8]}-device"}}',
        }
        await self.customer.ask(("POST", METHODS, {**given, "default": self.rng.random() < 0.3}))

    async def collect_on_a_page(self) -> None:
        """Have a setup begun and complete it with Stripe.js; the page may or may not tell us of it."""
        _, result = await self.customer.ask(("POST", "client-secret", None))
        intent = self._intent(result)
        if intent is None or self.rng.random() < 0.2:
            return
        (name,) = self.rng.choices(list(CARDS), list(CARDS.values()))
        form = {"payment_method": f"pm_card_{name}"}
        await self.at.ask_stripe("POST", f"setup_intents/{intent}/confirm", form)
        if self.rng.random() < 0.6:
            given = {"type": "CREDIT_CARD", "payment_nonce": intent}
            await self._authenticated(await self.customer.ask(("POST", METHODS, given)))

    async def choose_default(self) -> None:
        """Charge another one first."""
        if found := await self._one():
            await self.customer.ask(("POST", f"{METHODS}/{found['id']}/set-as-default", None))

    async def edit(self) -> None:
        """Give a method another name."""
        if found := await self._one():
            named = {"nick_name": f"Card {self.rng.randrange(1000)}", "default": self.rng.random() < 0.2}
            await self.customer.ask(("PUT", f"{METHODS}/{found['id']}", named))

    async def remove(self) -> None:
        """Take a method away; one that was never completed first, as its page would."""
        if found := await self._one():
            await self.customer.ask(("DELETE", f"{METHODS}/{found['id']}", None))

    async def answer_late(self) -> None:
        """Authenticate what was left alone."""
        if self.waiting:
            await self._answer(self.waiting.pop(self.rng.randrange(len(self.waiting))))

    async def look(self) -> Sequence[dict[str, Any]]:
        """The methods as they are listed: exactly one is the default while any is active."""
        found: Sequence[dict[str, Any]] = await self.customer.read(METHODS) or ()
        defaults = [one["status"] for one in found if one["default"]]
        active = any(one["status"] == "active" for one in found)
        if defaults != (["active"] if active else []):
            states = [(one["status"], one["default"]) for one in found]
            self.shown_wrong.append(Complaint(ONE_DEFAULT, f"account {self.account_id}", f"shown: {states}"))
        return found

    async def _one(self) -> dict[str, Any] | None:
        found = await self.look()
        return self.rng.choice(found) if found else None

    async def _authenticated(self, answer: Answer) -> None:
        intent = self._intent(answer[1])
        if intent is None:
            return
        if self.rng.random() < 0.6:
            await self._answer(intent)
        else:
            self.waiting.append(intent)

    async def _answer(self, intent: str) -> None:
        passed = {"passed": self.rng.random() < 0.7}
        await self.at.at_stripe("POST", f"setup_intents/{intent}/authenticate", passed)

    def _intent(self, result: Any) -> str | None:
        secret = result.get("client_secret") if isinstance(result, dict) else None
        if not secret:
            return None
        self.at.secrets.add(secret)
        return str(secret).partition("_secret_")[0]


_SHARES: Final[dict[Callable[[Payer], Awaitable[None]], float]] = {
    Payer.add_card: 6,
    Payer.connect_paypal: 5,
    Payer.collect_on_a_page: 1.5,
    Payer.choose_default: 4,
    Payer.edit: 1,
    Payer.remove: 5,
    Payer.answer_late: 1,
}
_ACTS: Final = tuple(_SHARES)
_WEIGHTS: Final = tuple(_SHARES.values())


async def keep_paying(payers: Sequence[Payer], enough: asyncio.Event, *, acts: tuple[int, int]) -> None:
    """One payer after the other acts a few times, as long as it is not enough; the first comes after the last."""
    while not enough.is_set():
        for payer in payers:
            if not enough.is_set():
                await payer.visit(payer.rng.randint(*acts), enough)
