"""Whoever plays the effects member in a test: waits for the work an operation goes on in, and concludes it."""

from typing import Any
from uuid import UUID, uuid4

import orjson

from state.postgres.connection import Connection
from state.redis import handover
from tests.consumers.lanes import LaneUnderTest, until
from topics.ids import conclusion_id
from topics.message import Actor, Result, Role
from topics.observation import Observation
from topics.payment_methods import (
    MethodDetails,
    MethodKind,
    PaymentMethodVaulted,
    Processor,
)

PERFORMER = Actor("effects", Role.SYSTEM, "/effects")
NOW = Observation.model_validate_json('{"at":"2026-11-24T09:30:15Z"}')


class Performer:
    """The effects of one account."""

    def __init__(self, lane: LaneUnderTest, connection: Connection, account_id: str) -> None:
        self._lane, self._connection, self._account = lane, connection, account_id

    async def owed(self) -> Any:
        """The account's effect that somebody waits for."""

        async def found() -> Any:
            return await self._connection.fetchrow(
                "SELECT * FROM effects WHERE account_id = $1 AND state = 'open' AND reply_to IS NOT NULL",
                self._account,
            )

        await until(found)
        return await found()

    async def conclude(self, effect: Any, result: Result) -> None:
        """Finish the effect with this result."""
        await self._connection.execute("UPDATE effects SET state = 'done' WHERE id = $1", effect["id"])
        await self._lane.publish(
            self._account,
            result,
            command_id=conclusion_id(UUID(effect["cause"])),
            actor=PERFORMER,
            reply_to=effect["reply_to"],
        )

    async def hand_over(self, effect: Any, secret: str) -> None:
        """Give whoever waits a client secret."""
        await handover.give(self._lane.redis, effect["cause"], {"client_secret": secret})

    async def keeps(self, kind: MethodKind = MethodKind.CREDIT_CARD) -> str:
        """Keep the method that is being added; gives its id."""
        effect = await self.owed()
        method_id: str = orjson.loads(effect["payload"])["method_id"]
        await self.conclude(effect, vaulted(method_id, kind))
        return method_id


def vaulted(method_id: str, kind: MethodKind = MethodKind.CREDIT_CARD) -> PaymentMethodVaulted:
    """The processor keeps it: a card of Visa, or PayPal's agreement with payer@example.com."""
    paypal = kind is MethodKind.PAYPAL
    details = MethodDetails(
        processor=Processor.BRAINTREE if paypal else Processor.STRIPE,
        kind=kind,
        reference=method_id if paypal else f"pm_{method_id}",
        last_four=None if paypal else "4242",
        exp_month=None if paypal else 12,
        exp_year=None if paypal else 2030,
        payer_email="payer@example.com" if paypal else None,
    )
    return PaymentMethodVaulted(method_id=method_id, details=details, seen=NOW)


def nonce() -> str:
    """A payment method of Stripe that nobody added yet."""
    return f"pm_{uuid4().hex}"
