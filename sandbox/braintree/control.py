"""The control API below /_sandbox: nonces, revocations, faults, the clock, webhooks, and what is kept."""

import json
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.braintree import errors, vault, webhooks
from sandbox.braintree.world import World
from sandbox.stripe import faults

Handler: TypeAlias = Callable[[World, Request, dict[str, Any]], Awaitable[Any]]


def routes(world: World) -> list[Route]:
    """The routes below /_sandbox."""
    return [
        _route(world, "/ready", "GET", ready),
        _route(world, "/reset", "POST", reset),
        _route(world, "/nonces", "POST", make_nonce),
        _route(world, "/payment_methods/{token}/revoke", "POST", revoke),
        _route(world, "/payment_methods/{token}", "DELETE", remove),
        _route(world, "/objects", "GET", objects),
        _route(world, "/ledger", "GET", ledger),
        _route(world, "/faults", "POST", add_fault),
        _route(world, "/faults", "DELETE", clear_faults),
        _route(world, "/settings", "PATCH", settings),
        _route(world, "/requests", "GET", requests),
        _route(world, "/deliveries", "GET", deliveries),
        _route(world, "/deliveries/{seq:int}/resend", "POST", resend),
    ]


async def ready(world: World, request: Request, given: dict[str, Any]) -> Any:
    """It answers."""
    return {"ready": True}


async def reset(world: World, request: Request, given: dict[str, Any]) -> Any:
    """Forgets everything."""
    world.reset()
    return {"reset": True}


async def make_nonce(world: World, request: Request, given: dict[str, Any]) -> Any:
    """A nonce as Braintree's page makes it: `type` paypal_agreement (usual), paypal_one_time or card; `email`."""
    if given.get("type", vault.PAYPAL) not in (vault.PAYPAL, vault.ONE_TIME, vault.CARD):
        raise ValueError("type is paypal_agreement, paypal_one_time or card")
    return {"nonce": vault.make_nonce(world.store, given, world.now())}


async def revoke(world: World, request: Request, given: dict[str, Any]) -> Any:
    """The payer revokes an agreement at PayPal; `copies` of the notification, after `delay` seconds."""
    copies, delay = int(given.get("copies", 1)), float(given.get("delay", 0))
    webhooks.revoked(world, request.path_params["token"], copies=copies, delay=delay)
    return {"revoked": request.path_params["token"]}


async def remove(world: World, request: Request, given: dict[str, Any]) -> Any:
    """Somebody deleted a method in the processor's own control panel; nothing tells of it."""
    with world.store.transaction():
        vault.delete_method(world.store, request.path_params["token"])
    return {"deleted": request.path_params["token"]}


async def objects(world: World, request: Request, given: dict[str, Any]) -> Any:
    """Everything of a `kind`: customer, payment_method."""
    return {"objects": world.store.all(request.query_params.get("kind", vault.METHOD))}


async def ledger(world: World, request: Request, given: dict[str, Any]) -> Any:
    """Every change that requests made, oldest first."""
    return {"ledger": world.store.ledger()}


async def add_fault(world: World, request: Request, given: dict[str, Any]) -> Any:
    """Adds one fault at the end of the plan."""
    return world.plan.add(faults.made(given)).shown()


async def clear_faults(world: World, request: Request, given: dict[str, Any]) -> Any:
    """Empties the plan."""
    return {"removed": world.plan.remove()}


async def settings(world: World, request: Request, given: dict[str, Any]) -> Any:
    """Sets some of `clock_offset`, `webhook_url`, `paused`."""
    if unknown := set(given) - {"clock_offset", "webhook_url", "paused"}:
        raise ValueError(f"unknown settings: {', '.join(sorted(unknown))}")
    if "clock_offset" in given:
        world.move(float(given["clock_offset"]))
    if "webhook_url" in given:
        world.webhook_url = given["webhook_url"]
    world.paused = bool(given.get("paused", world.paused))
    return {"clock_offset": world.offset, "webhook_url": world.webhook_url, "paused": world.paused}


async def requests(world: World, request: Request, given: dict[str, Any]) -> Any:
    """The last requests, newest first."""
    return {"requests": list(world.log)[::-1]}


async def deliveries(world: World, request: Request, given: dict[str, Any]) -> Any:
    """The last notifications, newest first."""
    rows = world.store.execute("SELECT seq, kind, tries, state FROM deliveries ORDER BY seq DESC LIMIT 100")
    return {"deliveries": [dict(zip(("seq", "kind", "tries", "state"), row, strict=True)) for row in rows]}


async def resend(world: World, request: Request, given: dict[str, Any]) -> Any:
    """Sends a notification once more."""
    world.store.execute(
        "UPDATE deliveries SET state = 'due', due = ?, tries = 0 WHERE seq = ?",
        (world.now(), request.path_params["seq"]),
    )
    return {"resent": request.path_params["seq"]}


async def _given(request: Request) -> dict[str, Any]:
    given = json.loads(await request.body() or b"{}")
    if not isinstance(given, dict):
        raise TypeError("send a JSON object")
    return given


def _route(world: World, path: str, method: str, handler: Handler) -> Route:
    async def endpoint(request: Request) -> Response:
        try:
            return JSONResponse(await handler(world, request, await _given(request)))
        except errors.Refusal as refusal:
            return JSONResponse({"error": "there is no such thing"}, refusal.status)
        except (ValueError, TypeError) as error:
            return JSONResponse({"error": str(error)}, 400)

    return Route(path, endpoint, methods=[method])
