"""The control API under /_sandbox: what a test sees and sets. No password: the server listens on
loopback.

Answers JSON. A wrong request is 400 `{"error": "sentence"}`.
"""

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import orjson
from starlette.requests import Request
from starlette.routing import Route

from sandbox.stripe import behind, effects, events, faults, objects
from sandbox.stripe.control_route import given as given_by
from sandbox.stripe.control_route import limit as limit_of
from sandbox.stripe.control_route import number, route
from sandbox.stripe.world import World


def routes(world: World) -> list[Route]:
    """The routes below /_sandbox."""
    return [
        route(world, "/ready", "GET", ready),
        route(world, "/reset", "POST", reset),
        route(world, "/settings", "GET", settings),
        route(world, "/settings", "PATCH", change_settings),
        route(world, "/faults", "GET", list_faults),
        route(world, "/faults", "POST", add_fault),
        route(world, "/faults", "DELETE", clear_faults),
        route(world, "/faults/{id:int}", "DELETE", remove_fault),
        route(world, "/requests", "GET", requests),
        route(world, "/counters", "GET", counters),
        route(world, "/effects", "GET", list_effects),
        route(world, "/objects", "GET", list_objects),
        route(world, "/objects/{id}", "GET", show_object),
        route(world, "/objects/{id}", "PATCH", change_object),
        route(world, "/objects/{id}", "DELETE", delete_object),
    ]


async def ready(world: World, request: Request) -> Any:
    """The store answers."""
    world.store.execute("SELECT 1").fetchone()
    return {"status": "ready"}


async def reset(world: World, request: Request) -> Any:
    """Forgets all: objects, keys, effects, faults, log, settings."""
    world.reset()
    return {"status": "reset"}


async def settings(world: World, request: Request) -> Any:
    """Clock offset and search lag in seconds, limits in requests a second (0: none)."""
    limits = world.limiter.limits
    return {
        "clock_offset": world.clock.offset,
        "now": world.clock.now(),
        "search_lag": world.search_lag,
        "limits": {"account": limits.account, "endpoint": limits.endpoint, "endpoints": limits.endpoints},
    }


async def change_settings(world: World, request: Request) -> Any:
    """Sets some of `clock_offset`, `search_lag`, `limits`; the limits not named stay."""
    given = await given_by(request)
    if unknown := set(given) - {"clock_offset", "search_lag", "limits"}:
        raise ValueError(f"unknown settings: {', '.join(sorted(unknown))}")
    limits = world.limiter.limits.changed(**given.get("limits", {}))
    if "search_lag" in given:
        world.set_search_lag(number(given["search_lag"]))
    if "clock_offset" in given:
        world.clock.move(number(given["clock_offset"]))
    if "limits" in given:
        world.limiter.set(limits)
    return await settings(world, request)


async def list_faults(world: World, request: Request) -> Any:
    """The plan, with how often each fault was met."""
    return {"faults": [fault.shown() for fault in world.plan]}


async def add_fault(world: World, request: Request) -> Any:
    """Adds one fault at the end of the plan."""
    return world.plan.add(faults.made(await given_by(request))).shown()


async def clear_faults(world: World, request: Request) -> Any:
    """Empties the plan."""
    return {"removed": world.plan.remove()}


async def remove_fault(world: World, request: Request) -> Any:
    """Takes one fault out of the plan."""
    return {"removed": world.plan.remove(request.path_params["id"])}


async def requests(world: World, request: Request) -> Any:
    """The last requests, newest first: `limit`, `method`, `path`, `endpoint`, `status`, `idempotency_key`."""
    query = dict(request.query_params)
    limit = limit_of(query.pop("limit", "100"))
    equal: dict[str, Any] = {name: value for name, value in query.items() if name != "status"}
    if unknown := set(equal) - {"method", "path", "endpoint", "idempotency_key"}:
        raise ValueError(f"unknown filters: {', '.join(sorted(unknown))}")
    if "status" in query:
        equal["status"] = int(query["status"]) or None
    return {"requests": world.log.recent(limit, **equal)}


async def counters(world: World, request: Request) -> Any:
    """Requests since the start by endpoint and status; effects by endpoint and objects by kind since ever."""
    return {
        "requests": world.log.counts(),
        "effects": effects.counts(world.store),
        "objects": objects.counts(world.store),
    }


async def list_effects(world: World, request: Request) -> Any:
    """Every change, oldest first: `after` a seq, `limit` (up to 10,000)."""
    after, limit = (
        int(request.query_params.get("after", "0")),
        limit_of(request.query_params.get("limit", "1000")),
    )
    found = effects.after(world.store, after, limit)
    return {"effects": found, "next": found[-1]["seq"] if len(found) == limit else None}


async def list_objects(world: World, request: Request) -> Any:
    """Every object, deleted ones too, oldest first: `kind`, `after` a seq, `limit` (up to 10,000)."""
    query = request.query_params
    after, limit = int(query.get("after", "0")), limit_of(query.get("limit", "1000"))
    rows = world.store.execute(
        "SELECT seq, body, deleted FROM objects WHERE seq > ? AND (? = '' OR kind = ?) ORDER BY seq LIMIT ?",
        (after, query.get("kind", ""), query.get("kind", ""), limit),
    ).fetchall()
    found = [{"seq": seq, "deleted": bool(gone), "object": orjson.Fragment(body)} for seq, body, gone in rows]
    return {"objects": found, "next": found[-1]["seq"] if len(found) == limit else None}


async def show_object(world: World, request: Request) -> Any:
    """One object as it is now."""
    return _stored(world, request.path_params["id"]).body


async def change_object(world: World, request: Request) -> Any:
    """Changes an object behind everybody's back: the given fields replace its own, tables are merged.

    A null is set as such; in metadata it takes the key away. It leaves no effect and no request; search
    learns of it with its usual lag. An event tells of it, unless `?silent=true`.
    """
    old = _stored(world, request.path_params["id"], living=True).body
    given = await given_by(request)
    if set(given) & {"id", "object", "created"}:
        raise ValueError("id, object and created cannot change")
    body = _merged(old, given)
    if isinstance(body.get("metadata"), dict):
        body["metadata"] = {key: str(value) for key, value in body["metadata"].items() if value is not None}
    with world.store.transaction(), _told(request):
        behind.change(world.store, old, body, world.clock.now())
    return body


async def delete_object(world: World, request: Request) -> Any:
    """Deletes an object behind everybody's back, with what belongs to it; told as a change is."""
    old = _stored(world, request.path_params["id"], living=True).body
    with world.store.transaction(), _told(request):
        return behind.remove(world.store, old, world.clock.now())


def _told(request: Request) -> AbstractContextManager[None]:
    return events.silently() if request.query_params.get("silent") == "true" else nullcontext()


def _stored(world: World, id_: str, *, living: bool = False) -> objects.Stored:
    row = world.store.execute("SELECT kind FROM objects WHERE id = ?", (id_,)).fetchone()
    found = objects.find(world.store, row[0], id_) if row else None
    if found is None or (living and found.deleted):
        raise LookupError(f"no object {id_}")
    return found


def _merged(old: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    both = {name: _merged(old[name], new) for name, new in given.items() if _tables(old.get(name), new)}
    return {**old, **given, **both}


def _tables(old: Any, new: Any) -> bool:
    return isinstance(old, dict) and isinstance(new, dict)
