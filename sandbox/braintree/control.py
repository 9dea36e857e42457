"""The control API below /_sandbox: faults, the clock, notifications, what is kept and what was asked."""

from typing import Any

from starlette.requests import Request
from starlette.routing import Route

from sandbox.braintree import deliveries, settlement, transaction_store, vault_control, webhooks
from sandbox.braintree.control_route import route
from sandbox.braintree.store import METHOD
from sandbox.braintree.world import World
from sandbox.stripe import faults

SETTINGS = {"clock_offset", "webhook_url", "paused", "duplicate_seconds"}


def routes(world: World) -> list[Route]:
    """The routes below /_sandbox."""
    return [
        route(world, "/ready", "GET", ready),
        route(world, "/reset", "POST", reset),
        *vault_control.routes(world),
        route(world, "/objects", "GET", objects),
        route(world, "/ledger", "GET", ledger),
        route(world, "/faults", "POST", add_fault),
        route(world, "/faults", "DELETE", clear_faults),
        route(world, "/settings", "PATCH", settings),
        route(world, "/requests", "GET", requests),
        route(world, "/notifications", "POST", notify),
        route(world, "/deliveries", "GET", recent_deliveries),
        route(world, "/deliveries/{seq:int}/resend", "POST", resend),
        route(world, "/deliveries/plan", "GET", plan),
        route(world, "/deliveries/plan", "PUT", set_plan),
    ]


async def ready(world: World, request: Request, given: dict[str, Any]) -> Any:
    """It answers."""
    return {"ready": True}


async def reset(world: World, request: Request, given: dict[str, Any]) -> Any:
    """Forgets everything."""
    world.reset()
    return {"reset": True}


async def objects(world: World, request: Request, given: dict[str, Any]) -> Any:
    """Everything of a `kind`, oldest first: customer, payment_method, agreement, transaction."""
    kind = request.query_params.get("kind", METHOD)
    if kind == "transaction":
        return {"objects": transaction_store.newest(world.store)[::-1]}
    return {"objects": world.store.all(kind)}


async def ledger(world: World, request: Request, given: dict[str, Any]) -> Any:
    """Every change that requests and time made, oldest first."""
    return {"ledger": world.store.ledger()}


async def add_fault(world: World, request: Request, given: dict[str, Any]) -> Any:
    """Adds one fault at the end of the plan."""
    return world.plan.add(faults.made(given)).shown()


async def clear_faults(world: World, request: Request, given: dict[str, Any]) -> Any:
    """Empties the plan."""
    return {"removed": world.plan.remove()}


async def settings(world: World, request: Request, given: dict[str, Any]) -> Any:
    """Sets some of `clock_offset`, `webhook_url`, `paused`, `duplicate_seconds` (30; 0 for no check)."""
    if unknown := set(given) - SETTINGS:
        raise ValueError(f"unknown settings: {', '.join(sorted(unknown))}")
    if "clock_offset" in given:
        world.move(float(given["clock_offset"]))
        with world.store.transaction():
            settlement.run(world.store, world.now())
    if "duplicate_seconds" in given:
        world.refuse_duplicates(float(given["duplicate_seconds"]))
    if "webhook_url" in given:
        world.webhook_url = given["webhook_url"]
    world.paused = bool(given.get("paused", world.paused))
    shown = {"clock_offset": world.offset, "webhook_url": world.webhook_url, "paused": world.paused}
    return {**shown, "duplicate_seconds": world.duplicates}


async def requests(world: World, request: Request, given: dict[str, Any]) -> Any:
    """The last requests, newest first."""
    return {"requests": list(world.log)[::-1]}


async def notify(world: World, request: Request, given: dict[str, Any]) -> Any:
    """Sends a notification of a `kind`: check, or transaction_settled or ..._declined of a `transaction`."""
    webhooks.send(world, str(given.get("kind")), transaction_id=str(given.get("transaction", "")))
    return {"sent": given["kind"]}


async def recent_deliveries(world: World, request: Request, given: dict[str, Any]) -> Any:
    """The last notifications, newest first."""
    return {"deliveries": deliveries.recent(world.store)}


async def resend(world: World, request: Request, given: dict[str, Any]) -> Any:
    """Sends a notification once more."""
    deliveries.resend(world.store, request.path_params["seq"], world.now())
    return {"resent": request.path_params["seq"]}


async def plan(world: World, request: Request, given: dict[str, Any]) -> Any:
    """The plan of deliveries."""
    return deliveries.shown_plan(world.store)


async def set_plan(world: World, request: Request, given: dict[str, Any]) -> Any:
    """Replaces the plan for notifications from now on: `rules` and `seed`, as the double of Stripe has them."""
    return deliveries.set_plan(world.store, given)
