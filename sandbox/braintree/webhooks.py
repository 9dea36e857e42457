"""Signed notifications, sent until they are taken: every hour for a day, as Braintree does.

Of its own accord the double tells of one thing only, that a payer took an agreement back: Braintree tells of
settlements for bank accounts alone (.../docs/reference/general/webhooks/transaction), never for PayPal or cards.
"""

import asyncio
import base64
import hashlib
import hmac
from contextlib import suppress

import httpx

from sandbox.braintree import deliveries, settlement, transaction_store, vault, xml
from sandbox.braintree.spelling import moment
from sandbox.braintree.store import Body
from sandbox.braintree.world import PRIVATE_KEY, PUBLIC_KEY, World

REVOKED, CHECK = "payment_method_revoked_by_customer", "check"
OF_TRANSACTIONS = ("transaction_settled", "transaction_settlement_declined")
RETRY_SECONDS, MOST_TRIES, AT_ONCE = 3600.0, 25, 50
POLL = 0.05


def notify(world: World, kind: str, subject: Body, *, delay: float = 0) -> None:
    """Puts a notification into the queue, in the open transaction."""
    body = xml.write("notification", {"timestamp": moment(world.now()), "kind": kind, "subject": subject})
    payload = base64.encodebytes(body).decode()
    deliveries.put(
        world.store, kind=kind, signature=signature(payload), payload=payload, at=world.now() + delay
    )


def send(world: World, kind: str, *, transaction_id: str = "") -> None:
    """Sends what a person or a test asks for: a check of the address, or word of a transaction. Raises ValueError."""
    if kind not in (CHECK, *OF_TRANSACTIONS):
        raise ValueError(f"kind is one of {', '.join((CHECK, *OF_TRANSACTIONS))}")
    found = transaction_store.find(world.store, transaction_id)
    if kind != CHECK and found is None:
        raise ValueError(f"no transaction {transaction_id}")
    subject: Body = {"check": True} if found is None or kind == CHECK else {"transaction": found.body}
    with world.store.transaction():
        notify(world, kind, subject)


def revoked(world: World, token: str, *, copies: int = 1, delay: float = 0, silently: bool = False) -> None:
    """The payer revoked an agreement: the vault knows of every method on it, and notifications tell.

    `silently`: PayPal has not told Braintree, so nobody knows before a charge is declined.
    """
    with world.store.transaction():
        for method in vault.revoke(world.store, token, world.now(), silently=silently):
            for _ in range(copies):
                notify(world, REVOKED, {"paypal_account": vault.shown(method)[1]}, delay=delay)


def signature(payload: str) -> str:
    """As the SDK checks it: HMAC-SHA1 under the SHA1 of the private key."""
    key = hashlib.sha1(PRIVATE_KEY.encode()).digest()  # noqa: S324 - Braintree's own
    return f"{PUBLIC_KEY}|{hmac.new(key, payload.encode(), hashlib.sha1).hexdigest()}"


async def work(world: World) -> None:
    """Sends what is due, and lets time settle transactions, until cancelled."""
    async with httpx.AsyncClient(timeout=5, trust_env=False) as client:
        while True:
            with world.store.transaction():
                settlement.run(world.store, world.now())
            if world.webhook_url and not world.paused:
                await _round(world, client, world.webhook_url)
            await asyncio.sleep(POLL)


async def _round(world: World, client: httpx.AsyncClient, url: str) -> None:
    for seq, signed, payload, tries in deliveries.due(world.store, world.now(), AT_ONCE):
        taken = False
        with suppress(httpx.HTTPError):
            answer = await client.post(url, data={"bt_signature": signed, "bt_payload": payload})
            taken = answer.is_success
        state = "taken" if taken else "given_up" if tries + 1 >= MOST_TRIES else "due"
        deliveries.tried(world.store, seq, state=state, tries=tries + 1, due=world.now() + RETRY_SECONDS)
