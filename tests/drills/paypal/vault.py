"""Braintree as the drill uses it: filled with what was left, importing what it is handed, and charged."""

import asyncio
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import braintree

from sandbox.braintree.driver import Driver
from tests.braintree_double import BraintreeDouble
from tests.drills.paypal.legacy import Kind, Legacy

PORTION: Final = 400
THREADS: Final = 8


class Vault:
    """The double of one drill."""

    def __init__(self, url: str) -> None:
        self.driver = Driver(url)
        self._gateway: braintree.BraintreeGateway = BraintreeDouble(url, self.driver).gateway()

    def close(self) -> None:
        """Close the connections."""
        self.driver.close()

    def fill(self, methods: Sequence[Legacy]) -> None:
        """Put what the older system left into the vault, and have a page make the nonces that are still good."""
        there = [body for one in methods if (body := one.vaulted())]
        unique = list({body["token"]: body for body in there}.values())
        for portion in _portions(unique):
            customers = [{"id": name} for name in {body["customer_id"] for body in portion}]
            self.driver.fill(customers=customers, methods=portion)

    def nonce_for(self, one: Legacy) -> str:
        """A nonce that is good for three hours."""
        return self.driver.nonce(one.email)

    def import_(self, wanted: Iterable[tuple[str, str, str]], mistaken: frozenset[str]) -> int:
        """Import agreements as (account, token, agreement); for `mistaken` tokens another agreement by mistake."""
        methods = [
            {
                "token": token,
                "customer_id": account,
                "billing_agreement_id": "B-OF-SOMEBODY" if token in mistaken else agreement,
                "email": "imported@example.com",
            }
            for account, token, agreement in wanted
        ]
        for portion in _portions(methods):
            customers = [{"id": name} for name in {body["customer_id"] for body in portion}]
            self.driver.fill(customers=customers, methods=portion)
        return len(methods)

    async def charge(self, tokens: Sequence[str]) -> None:
        """A payment goes through with each token."""
        loop = asyncio.get_running_loop()
        with ThreadPoolExecutor(THREADS) as pool:
            await asyncio.gather(*(loop.run_in_executor(pool, self._charge, token) for token in tokens))

    def _charge(self, token: str) -> None:
        given = {
            "payment_method_token": token,
            "amount": "10.00",
            "order_id": token,
            "options": {"submit_for_settlement": True},
        }
        sale = self._gateway.transaction.sale(given)
        assert sale.is_success, sale.message
        self.driver.settle(sale.transaction.id)


def _portions(bodies: Sequence[dict[str, Any]]) -> Iterable[list[dict[str, Any]]]:
    for first in range(0, len(bodies), PORTION):
        yield list(bodies[first : first + PORTION])


def imported(one: Legacy) -> bool:
    """Whether Braintree imports it in the drill."""
    return one.kind not in (Kind.AWAITED, Kind.SHARED)
