"""Events as Stripe sends them: cards that get a new date, signed, each with an id of its own."""

import hashlib
import hmac
import time
from collections.abc import Iterator, Sequence
from typing import Any, Final

import orjson
from uuid6 import uuid7

from bench.stripe_stage import Template
from bench.workload import Outgoing
from producers.webhooks.stripe import received

SECRET: Final = "whsec_of_the_bench"
_FIRST_YEAR: Final = 2030


def events(template: Template, accounts: Sequence[str], count: int) -> Iterator[bytes]:
    """So many `payment_method.updated` of the accounts in turn, a second later in each round of them."""
    now = int(time.time())
    shown = {account: template.shown("payment_method", account) for account in accounts}
    rounds = -(-count // len(accounts))
    for number in range(count):
        turn, place = divmod(number, len(accounts))
        yield _event(
            shown[accounts[place]], f"evt_{uuid7().hex}", now - rounds + turn, _FIRST_YEAR + turn % 50
        )


def _event(method: dict[str, Any], event_id: str, created: int, year: int) -> bytes:
    body = {**method, "card": {**method["card"], "exp_year": year}}
    return orjson.dumps(
        {
            "id": event_id,
            "object": "event",
            "api_version": "2025-03-31.basil",
            "created": created,
            "data": {"object": body, "previous_attributes": {"card": {"exp_year": year - 1}}},
            "livemode": False,
            "pending_webhooks": 1,
            "request": {"id": None, "idempotency_key": None},
            "type": "payment_method.updated",
        }
    )


def kept(body: bytes) -> Outgoing:
    """An event as the entry point puts it on its topic."""
    webhook = received(body)
    return Outgoing(uuid7(), webhook.key.encode(), webhook.body, webhook.headers())


def request(body: bytes) -> bytes:
    """The request that Stripe would send, signed now."""
    moment = int(time.time())
    signature = hmac.new(SECRET.encode(), f"{moment}.".encode() + body, hashlib.sha256).hexdigest()
    return (
        "POST /webhooks/stripe HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
        f"stripe-signature: t={moment},v1={signature}\r\ncontent-length: {len(body)}\r\n\r\n"
    ).encode() + body
