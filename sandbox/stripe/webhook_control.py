"""The control API of deliveries and of the clock: what a test sets, forces and waits for."""

import asyncio
import time
from typing import Any

from starlette.requests import Request
from starlette.routing import Route

from sandbox.stripe import delivery_plan, due, objects, outbox, settings, webhook_endpoints
from sandbox.stripe.control_route import given, limit, number, route
from sandbox.stripe.deliverer import PAUSED
from sandbox.stripe.objects import Body
from sandbox.stripe.world import World

LONGEST_DRAIN = 600.0
LOOK_AGAIN = 0.01


def routes(world: World) -> list[Route]:
    """The routes below /_sandbox."""
    return [
        route(world, "/webhooks", "GET", state),
        route(world, "/webhooks/plan", "PUT", set_plan),
        route(world, "/webhooks/pause", "POST", pause),
        route(world, "/webhooks/resume", "POST", resume),
        route(world, "/webhooks/drain", "POST", drain),
        route(world, "/webhooks/{id}", "PATCH", change_endpoint),
        route(world, "/webhooks/{id}/roll", "POST", roll),
        route(world, "/deliveries", "GET", deliveries),
        route(world, "/events/{id}/resend", "POST", resend),
        route(world, "/clock", "GET", clock),
        route(world, "/clock/advance", "POST", advance),
        route(world, "/clock/freeze", "POST", freeze),
        route(world, "/clock/thaw", "POST", thaw),
    ]


async def state(world: World, request: Request) -> Any:
    """The plan, whether deliveries are paused, how many there are by state, and the endpoints with secrets."""
    return {
        "plan": delivery_plan.current(world.store).shown(),
        "paused": world.deliverer.paused,
        "in_flight": world.deliverer.in_flight,
        "counts": outbox.counts(world.store),
        "endpoints": [_shown(world, one) for one in webhook_endpoints.living(world.store)],
    }


async def set_plan(world: World, request: Request) -> Any:
    """Replaces the plan, for events from now on: `rules`, `seed`, `concurrency`, `timeout`, `retry`."""
    return delivery_plan.set_(world.store, await given(request)).shown()


async def pause(world: World, request: Request) -> Any:
    """Nothing new is sent until `resume`; what is on its way arrives."""
    settings.write(world.store, PAUSED, True)
    return {"paused": True}


async def resume(world: World, request: Request) -> Any:
    """Sends what has become due meanwhile, in order."""
    settings.write(world.store, PAUSED, False)
    return {"paused": False}


async def drain(world: World, request: Request) -> Any:
    """Waits until every delivery was tried once and none is on its way, at most `timeout` seconds.

    `hurry`: what is delayed, held back or waits for a retry is due now. Answers `drained` and the counts, in
    which what failed is still pending.
    """
    asked = await given(request)
    until = time.monotonic() + min(number(asked.get("timeout", 30)), LONGEST_DRAIN)
    if asked.get("hurry"):
        with world.store.transaction():
            outbox.hurry(world.store, world.clock.now())
    await asyncio.sleep(0)
    while not (drained := _nothing_left(world)) and time.monotonic() < until:
        await asyncio.sleep(LOOK_AGAIN)
    return {"drained": drained, **outbox.counts(world.store)}


async def change_endpoint(world: World, request: Request) -> Any:
    """Sets what the API of endpoints cannot say: `payload`, `snapshot` or `thin`."""
    body, asked = _endpoint(world, request), await given(request)
    webhook_endpoints.set_payload(world.store, body["id"], asked.get("payload", ""))
    return _shown(world, body)


async def roll(world: World, request: Request) -> Any:
    """Replaces the secret: by `secret` or a new one; the old one signs along for `overlap` seconds (0)."""
    body, asked = _endpoint(world, request), await given(request)
    overlap = number(asked.get("overlap", 0))
    secret, now = asked.get("secret"), world.clock.now()
    return {"secret": webhook_endpoints.roll(world.store, body["id"], now, secret=secret, overlap=overlap)}


async def deliveries(world: World, request: Request) -> Any:
    """The last deliveries, newest first: `event`, `state`, `limit`."""
    query = request.query_params
    event, state_, most = query.get("event", ""), query.get("state", ""), limit(query.get("limit", "100"))
    return {"deliveries": outbox.recent(world.store, most, event_id=event, state=state_)}


async def resend(world: World, request: Request) -> Any:
    """Sends an event once more, to one `endpoint` or to all that want it."""
    endpoint_id = (await given(request)).get("endpoint")
    if endpoint_id is not None:
        _living(world, endpoint_id)
    with world.store.transaction():
        id_ = request.path_params["id"]
        return {"deliveries": outbox.resend(world.store, id_, world.clock.now(), endpoint_id=endpoint_id)}


async def clock(world: World, request: Request) -> Any:
    """What the clock says, and whether it stands."""
    return {"now": world.clock.now(), "offset": world.clock.offset, "frozen": world.clock.frozen is not None}


async def advance(world: World, request: Request) -> Any:
    """Moves the clock forward by `seconds`; what time brings has happened when this answers (`done`)."""
    world.clock.advance(number((await given(request)).get("seconds")))
    return {"done": due.run(world.store, world.clock.now()), **(await clock(world, request))}


async def freeze(world: World, request: Request) -> Any:
    """The clock stands until `thaw`."""
    world.clock.freeze()
    return await clock(world, request)


async def thaw(world: World, request: Request) -> Any:
    """The clock goes on from where it stood."""
    world.clock.thaw()
    return await clock(world, request)


def _nothing_left(world: World) -> bool:
    now, store = world.clock.now(), world.store
    due_now = outbox.due(store, now, 1)
    return not (world.deliverer.in_flight or due_now or outbox.first_tries(store))


def _endpoint(world: World, request: Request) -> Body:
    return _living(world, request.path_params["id"])


def _living(world: World, id_: str) -> Body:
    found = objects.find(world.store, webhook_endpoints.KIND, id_)
    if found is None or found.deleted:
        raise LookupError(f"no webhook endpoint {id_}")
    return found.body


def _shown(world: World, body: Body) -> Body:
    kept = webhook_endpoints.destination(world.store, body["id"])
    return {**body, "payload": kept.payload, "secrets": kept.secrets}
