"""The control API of the vault and of charges: what pages, payers, PayPal and other hands do without the gateway."""

from typing import Any

from starlette.requests import Request
from starlette.routing import Route

from sandbox.braintree import errors, filling, nonces, settlement, transaction_store, vault, webhooks
from sandbox.braintree.control_route import route
from sandbox.braintree.world import World

OUTCOMES = {
    "settled": settlement.SETTLED_CODE,
    "settlement_pending": settlement.PENDING_CODE,
    "settlement_declined": settlement.DECLINED_CODE,
}


def routes(world: World) -> list[Route]:
    """The routes below /_sandbox that change what is kept."""
    return [
        route(world, "/nonces", "POST", make_nonce),
        route(world, "/vault", "POST", fill),
        route(world, "/payment_methods/{token}/revoke", "POST", revoke),
        route(world, "/payment_methods/{token}/decline", "POST", decline),
        route(world, "/payment_methods/{token}", "DELETE", remove),
        route(world, "/transactions/{id}/settle", "POST", settle),
    ]


async def make_nonce(world: World, request: Request, given: dict[str, Any]) -> Any:
    """A nonce as Braintree's page makes it: `type` paypal_agreement (usual), paypal_one_time or card; `email`."""
    if given.get("type", nonces.PAYPAL) not in (nonces.PAYPAL, nonces.ONE_TIME, nonces.CARD):
        raise ValueError("type is paypal_agreement, paypal_one_time or card")
    return {"nonce": nonces.make(world.store, given, world.now())}


async def fill(world: World, request: Request, given: dict[str, Any]) -> Any:
    """Puts `customers` and `payment_methods` straight into the vault, up to 1000 objects; see filling.py."""
    return filling.fill(world.store, given, world.now())


async def revoke(world: World, request: Request, given: dict[str, Any]) -> Any:
    """The payer revokes an agreement at PayPal; `copies` of the notification, after `delay` seconds.

    `silently`: Braintree is not told either; the next charge finds out, by 2070.
    """
    copies, delay = int(given.get("copies", 1)), float(given.get("delay", 0))
    token, silently = request.path_params["token"], bool(given.get("silently"))
    webhooks.revoked(world, token, copies=copies, delay=delay, silently=silently)
    return {"revoked": token}


async def decline(world: World, request: Request, given: dict[str, Any]) -> Any:
    """PayPal declines charges by a method's agreement with a `code`, for example 2074; null: it pays again."""
    code = given.get("code")
    vault.refuse(world.store, request.path_params["token"], str(code) if code is not None else None)
    return {"token": request.path_params["token"], "code": code}


async def remove(world: World, request: Request, given: dict[str, Any]) -> Any:
    """Somebody deleted a method in the processor's own control panel; nothing tells of it."""
    with world.store.transaction():
        vault.delete_method(world.store, request.path_params["token"])
    return {"deleted": request.path_params["token"]}


async def settle(world: World, request: Request, given: dict[str, Any]) -> Any:
    """Ends a settlement now: `outcome` settled (usual), settlement_pending or settlement_declined, or a `code`."""
    kept = transaction_store.find(world.store, request.path_params["id"])
    if kept is None:
        raise errors.Refusal(404)
    outcome = given.get("outcome", "settled")
    if outcome not in OUTCOMES:
        raise ValueError(f"outcome is one of {', '.join(OUTCOMES)}")
    code = str(given.get("code") or OUTCOMES[outcome])
    with world.store.transaction():
        return settlement.finish(world.store, kept, code, world.now())
