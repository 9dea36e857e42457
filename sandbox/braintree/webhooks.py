"""Signed notifications, sent until they are taken: every hour for a day, as Braintree does."""

import asyncio
import base64
import hashlib
import hmac
from contextlib import suppress

import httpx

from sandbox.braintree import vault, xml
from sandbox.braintree.store import Body
from sandbox.braintree.world import PRIVATE_KEY, PUBLIC_KEY, World

REVOKED = "payment_method_revoked_by_customer"
RETRY_SECONDS, MOST_TRIES = 3600.0, 25
POLL = 0.05


def notify(world: World, kind: str, subject: Body, *, delay: float = 0) -> None:
    """Puts a notification into the queue, in the open transaction."""
    body = xml.write(
        "notification", {"timestamp": vault.moment(world.now()), "kind": kind, "subject": subject}
    )
    payload = base64.encodebytes(body).decode()
    world.store.execute(
        "INSERT INTO deliveries (kind, signature, payload, due) VALUES (?, ?, ?, ?)",
        (kind, signature(payload), payload, world.now() + delay),
    )


def revoked(world: World, token: str, *, copies: int = 1, delay: float = 0) -> None:
    """The payer revoked an agreement: the vault knows, and a notification tells."""
    with world.store.transaction():
        method = vault.revoke(world.store, token, world.now())
        subject = {"paypal_account": vault.shown(method)[1]}
        for _ in range(copies):
            notify(world, REVOKED, subject, delay=delay)


def signature(payload: str) -> str:
    """As the SDK checks it: HMAC-SHA1 under the SHA1 of the private key."""
    key = hashlib.sha1(PRIVATE_KEY.encode()).digest()  # noqa: S324 - Braintree's own
    return f"{PUBLIC_KEY}|{hmac.new(key, payload.encode(), hashlib.sha1).hexdigest()}"


async def deliver(world: World) -> None:
    """Sends what is due until cancelled."""
    async with httpx.AsyncClient(timeout=5, trust_env=False) as client:
        while True:
            if world.webhook_url and not world.paused:
                await _round(world, client, world.webhook_url)
            await asyncio.sleep(POLL)


async def _round(world: World, client: httpx.AsyncClient, url: str) -> None:
    rows = world.store.execute(
        "SELECT seq, signature, payload, tries FROM deliveries WHERE state = 'due' AND due <= ? ORDER BY seq LIMIT 50",
        (world.now(),),
    ).fetchall()
    for seq, signed, payload, tries in rows:
        taken = False
        with suppress(httpx.HTTPError):
            answer = await client.post(url, data={"bt_signature": signed, "bt_payload": payload})
            taken = answer.is_success
        state = "taken" if taken else "given_up" if tries + 1 >= MOST_TRIES else "due"
        world.store.execute(
            "UPDATE deliveries SET state = ?, tries = ?, due = ? WHERE seq = ?",
            (state, tries + 1, world.now() + RETRY_SECONDS, seq),
        )
